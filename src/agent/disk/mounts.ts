import { setTimeout as wait } from 'node:timers/promises'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'

const mountTimeoutMs = 60_000
/** Writing back a few hundred MB to a slow disk happens here. */
const unmountTimeoutMs = 300_000
const busyAttempts = 10

/** What a deployment has mounted; unmounts in reverse order, at the latest when disposed of. */
export class Mounts {
  readonly #mounted: string[] = []

  async mount(source: string, directory: string, args: readonly string[], signal?: AbortSignal): Promise<void> {
    const options = { timeoutMs: mountTimeoutMs, ...(signal && { signal }) }
    await runProgram('mount', [...args, source, directory], options)
    this.#mounted.push(directory)
  }

  /** Throws ProgramFailed when something stays busy: then the writes are not known to be on the disk. */
  async unmountAll(): Promise<void> {
    for (let directory = this.#mounted.at(-1); directory !== undefined; directory = this.#mounted.at(-1)) {
      await unmount(directory)
      this.#mounted.pop()
    }
  }

  /** After a failure: whatever is busy is detached, so that the disk can be partitioned again. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (let directory = this.#mounted.pop(); directory !== undefined; directory = this.#mounted.pop()) {
      await unmount(directory).catch(() =>
        runProgram('umount', ['-l', directory!], { timeoutMs: mountTimeoutMs }).catch(() => {}),
      )
    }
  }
}

/** A program that is just ending keeps a filesystem busy for a moment. */
async function unmount(directory: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await runProgram('umount', [directory], { timeoutMs: unmountTimeoutMs })
      return
    } catch (error) {
      if (attempt === busyAttempts || !(error instanceof ProgramFailed && /busy/i.test(error.stderr))) throw error
      await wait(200)
    }
  }
}
