import { execFile } from 'node:child_process'
import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const runProgram = promisify(execFile)
const timeoutMs = 120_000

/** A new, empty disk for each contender: a loop device past the page cache, on a file of its own. Needs root. */
export class LoopTarget {
  device = ''
  readonly #work: string
  readonly #sizeBytes: number
  #number = 0

  constructor(work: string, sizeBytes: number) {
    this.#work = work
    this.#sizeBytes = sizeBytes
  }

  async make(): Promise<void> {
    if (process.geteuid?.() !== 0) throw new Error('Cannot make a loop device to write to: run the benchmark as root')
    await this[Symbol.asyncDispose]()
    const file = join(this.#work, `disk-${++this.#number}.raw`)
    await writeFile(file, '')
    await truncate(file, this.#sizeBytes)
    const { stdout } = await runProgram('losetup', ['--find', '--show', '--direct-io=on', file], { timeout: timeoutMs })
    this.device = stdout.trim()
    await rm(file) // the loop device keeps it as long as it is needed
    await runProgram('sync', [], { timeout: timeoutMs }) // what was made before is nobody's to write
  }

  /** Until all of it is on the disk. */
  async flush(): Promise<void> {
    await runProgram('sync', [this.device], { timeout: timeoutMs })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.device === '') return
    await runProgram('losetup', ['--detach', this.device], { timeout: timeoutMs })
    this.device = ''
  }
}
