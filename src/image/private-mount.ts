import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runProgram } from '../programs/run-program.ts'
import { isProcessRunning } from './process-running.ts'

const prefix = 'bootwright-mount.'

/**
 * A filesystem mounted for us alone on a directory that is never in a place that is removed with all that is in it.
 * Needs root. Dispose unmounts; when it returns, all is in the file or device.
 */
export class PrivateMount {
  readonly directory: string
  #isMounted = true

  private constructor(directory: string) {
    this.directory = directory
  }

  /** `source` is what mount(8) takes for the type. Throws ProgramFailed. */
  static async open(source: string, type: string, mountOptions: string): Promise<PrivateMount> {
    await removeAbandoned()
    const directory = path.join(tmpdir(), `${prefix}${process.pid}.${randomBytes(6).toString('hex')}`)
    await mkdir(directory, { mode: 0o700 })
    try {
      // Nothing in an image is to be run, and its devices are not to be opened, on this machine.
      const options = `nodev,nosuid,noexec,noatime,${mountOptions}`
      await runProgram('mount', ['-t', type, '-o', options, source, directory])
    } catch (error) {
      await rmdir(directory)
      throw error
    }
    return new PrivateMount(directory)
  }

  async close(): Promise<void> {
    if (!this.#isMounted) return
    await runProgram('umount', [this.directory], { timeoutMs: 600_000 })
    this.#isMounted = false
    await rmdir(this.directory)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** What a process that was killed left mounted. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue
    const pid = Number(name.split('.')[1])
    if (!Number.isInteger(pid) || pid < 1 || isProcessRunning(pid)) continue
    const directory = path.join(tmpdir(), name)
    await runProgram('umount', ['--lazy', directory]).catch(() => undefined) // it may be no mount any more
    await rmdir(directory).catch(() => undefined)
  }
}
