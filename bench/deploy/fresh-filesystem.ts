import { execFile } from 'node:child_process'
import { mkdir, open, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const runProgram = promisify(execFile)
const timeoutMs = 120_000
const sizeBytes = 3 * 1024 ** 3

/**
 * A new ext4 on a loop device, each time on a file of its own: a mount namespace made elsewhere meanwhile keeps a copy of the
 * mount, and with it the loop device and what was on it.
 */
export class FreshFilesystem {
  directory = ''
  readonly #work: string
  #number = 0

  constructor(work: string) {
    this.#work = work
  }

  /** Its files lie in a new directory of this name. */
  static async below(work: string, name: string): Promise<FreshFilesystem> {
    await mkdir(join(work, name))
    return new FreshFilesystem(join(work, name))
  }

  async make(): Promise<void> {
    if (process.geteuid?.() !== 0) throw new Error('Cannot mount a filesystem to write to: run the benchmark as root')
    await this[Symbol.asyncDispose]()
    this.#number++
    const file = join(this.#work, `filesystem-${this.#number}.img`)
    const directory = join(this.#work, `mount-${this.#number}`)
    await mkdir(directory)
    await writeFile(file, '')
    await truncate(file, sizeBytes)
    await runProgram('mkfs.ext4', ['-q', '-F', file], { timeout: timeoutMs })
    await runProgram('mount', ['-o', 'loop', file, directory], { timeout: timeoutMs })
    await rm(file) // the loop device keeps it as long as it is needed
    this.directory = directory
    await runProgram('sync', [], { timeout: timeoutMs }) // what was made before is nobody's to write
  }

  uuid(): Promise<string> {
    return this.#find('UUID')
  }

  /** Unmounts it for a while. */
  async whileUnmounted(work: (device: string) => Promise<void>): Promise<void> {
    const device = await this.#find('SOURCE')
    const held = await open(device, 'r') // the loop device that mount made goes when nobody has it open
    await runProgram('umount', [this.directory], { timeout: timeoutMs })
    try {
      await work(device)
    } finally {
      await runProgram('mount', [device, this.directory], { timeout: timeoutMs })
      await held.close()
    }
  }

  /** Until all of it is on the disk. */
  async flush(): Promise<void> {
    await runProgram('sync', ['-f', this.directory], { timeout: timeoutMs })
  }

  async #find(column: 'UUID' | 'SOURCE'): Promise<string> {
    const { stdout } = await runProgram('findmnt', ['-no', column, this.directory], { timeout: timeoutMs })
    return stdout.trim()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.directory === '') return
    await runProgram('umount', [this.directory], { timeout: timeoutMs })
    this.directory = ''
  }
}
