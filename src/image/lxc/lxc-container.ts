import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { ImageSourceInvalid } from '../image-source.ts'

const defaultLxcPath = '/var/lib/lxc'

/** A container's directory, the `-P` and `-n` of lxc's programs. */
export type LxcContainer = { lxcPath: string; name: string; configFile: string }

/** A name of a container, or the path of its directory. Throws ImageSourceInvalid. */
export async function findContainer(nameOrPath: string): Promise<LxcContainer> {
  const isPath = nameOrPath.includes('/')
  const directory = path.resolve(isPath ? nameOrPath : path.join(await readLxcPath(), nameOrPath))
  const configFile = path.join(directory, 'config')
  if ((await stat(configFile).catch(() => undefined))?.isFile()) {
    return { lxcPath: path.dirname(directory), name: path.basename(directory), configFile }
  }
  const advice = isPath ? 'give the directory that holds its config' : 'give the path of its directory'
  throw new ImageSourceInvalid(nameOrPath, undefined, `there is no LXC container with ${configFile}; ${advice}`)
}

async function readLxcPath(): Promise<string> {
  try {
    return (await runProgram('lxc-config', ['lxc.lxcpath'])).trim() || defaultLxcPath
  } catch (error) {
    if (isMissingProgram(error)) return defaultLxcPath
    throw error
  }
}

/** RUNNING, STOPPED, FROZEN … A machine without lxc's programs runs no containers. */
export async function readState(container: LxcContainer): Promise<string> {
  const { lxcPath, name } = container
  try {
    return (await runProgram('lxc-info', ['-P', lxcPath, '-n', name, '-s', '-H'])).trim()
  } catch (error) {
    if (isMissingProgram(error)) return 'STOPPED'
    // A configuration in the words of another LXC, which this one could not have started.
    const isForeign = error instanceof ProgramFailed && /Failed to load config/.test(error.message)
    if (isForeign && !(await hasMonitor(container))) return 'STOPPED'
    throw error
  }
}

/** A running container's monitor listens on an abstract socket that has the container's path. */
async function hasMonitor({ lxcPath, name }: LxcContainer): Promise<boolean> {
  const sockets = await readFile('/proc/net/unix', 'utf8')
  return sockets.includes(`@${lxcPath}/${name}/command`)
}

function isMissingProgram(error: unknown): boolean {
  return error instanceof ProgramFailed && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
