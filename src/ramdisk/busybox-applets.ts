import { readFile } from 'node:fs/promises'

/** A busybox without a list of applets where it is looked for. */
export class AppletsMissing extends Error {
  override readonly name = 'AppletsMissing'
}

/** The list begins with these two, and its names end with a NUL each, the last with two. */
const firstNames = Buffer.from('\0[\0[[\0', 'latin1')

/** What `busybox --list` prints, read from the program, which may be for another processor. Throws AppletsMissing. */
export async function busyboxApplets(path: string): Promise<string[]> {
  const program = await readFile(path)
  const start = program.indexOf(firstNames)
  if (start < 0) throw new AppletsMissing(`Cannot use ${path}: there is no list of applets in it`)
  const end = program.indexOf('\0\0', start + 1, 'latin1')
  return program.toString('latin1', start + 1, end).split('\0')
}
