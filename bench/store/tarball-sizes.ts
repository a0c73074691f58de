import { readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runPipeline } from '../peer.ts'

const deadlineMs = 3_600_000

/**
 * What `zstd` makes of tars: each by itself at level 19, and each against the one before (`--patch-from`), which is as
 * little as anybody could send. Sizes depend on the tars and on zstd alone, and take half an hour to find: they are kept
 * beside the tars.
 */
export class TarballSizes {
  readonly #file: string
  readonly #known: Record<string, number>
  readonly #log: (line: string) => void

  private constructor(file: string, known: Record<string, number>, log: (line: string) => void) {
    this.#file = file
    this.#known = known
    this.#log = log
  }

  static async open(tars: readonly string[], log: (line: string) => void): Promise<TarballSizes> {
    const version = (await runPipeline('zstd --version | grep -o "v[0-9.]*"', [], deadlineMs)).trim()
    const file = join(dirname(tars[0]!), `zstd-${version}.json`)
    const text = await readFile(file, 'utf8').catch(() => '{}')
    return new TarballSizes(file, JSON.parse(text) as Record<string, number>, log)
  }

  best(tar: string): Promise<number> {
    return this.#find(`${tar} -19`, 'zstd -q -19 -T0 -c "$1" | wc -c', [tar])
  }

  /** At zstd's level 3, at which chunks are compressed as well. */
  against(parent: string, tar: string): Promise<number> {
    const line = 'zstd -q -3 --long=31 --patch-from="$1" -c "$2" | wc -c'
    return this.#find(`${tar} -3 --patch-from ${parent}`, line, [parent, tar])
  }

  async #find(name: string, line: string, args: string[]): Promise<number> {
    const known = this.#known[name]
    if (known !== undefined) return known
    this.#log(`zstd: ${name}`)
    const sizeBytes = Number(await runPipeline(line, args, deadlineMs))
    this.#known[name] = sizeBytes
    await writeFile(`${this.#file}.part`, JSON.stringify(this.#known))
    await rename(`${this.#file}.part`, this.#file)
    return sizeBytes
  }
}
