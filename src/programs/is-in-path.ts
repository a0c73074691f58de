import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Whether a program of this name would be found and run. */
export async function isInPath(program: string): Promise<boolean> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    if (directory && (await isAccessible(join(directory, program), constants.X_OK))) return true
  }
  return false
}

/** `mode`: of access(2). */
export async function isAccessible(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
