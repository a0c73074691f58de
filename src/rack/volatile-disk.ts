import { type FileHandle, open } from 'node:fs/promises'
import { runProgram } from '../programs/run-program.ts'

/** Shorter than this zeros are written, longer a hole is made, by a program of its own. */
const writtenZerosBytes = 2 ** 20
const copyBytes = 2 ** 20
const sectorBytes = 512

type Change = { kind: 'data' | 'zeros'; offset: number; length: number }

/** What became of the changes that were not flushed when the power went. */
export type PowerLoss = { writes: number; bytes: number; kept: number; torn: number; lost: number }

/**
 * A disk with a write cache that a power cut empties. The machine reads and writes one file; the other has what survives,
 * and gets each change when the machine flushes. Calls come one after the other.
 */
export class VolatileDisk implements AsyncDisposable {
  readonly sizeBytes: number
  readonly stablePath: string
  readonly #seenPath: string
  #seen: FileHandle
  readonly #stable: FileHandle
  /** In the order of writing, since the last flush. */
  #unflushed: Change[] = []

  private constructor(path: string, sizeBytes: number, seen: FileHandle, stable: FileHandle) {
    this.stablePath = path
    this.#seenPath = seenPath(path)
    this.sizeBytes = sizeBytes
    this.#seen = seen
    this.#stable = stable
  }

  /** An empty disk; `path` is the file of what survives. */
  static async make(path: string, sizeBytes: number): Promise<VolatileDisk> {
    const [seen, stable] = await Promise.all([open(seenPath(path), 'w+'), open(path, 'w+')])
    for (const file of [seen, stable]) await file.truncate(sizeBytes)
    return new VolatileDisk(path, sizeBytes, seen, stable)
  }

  async read(offset: number, length: number): Promise<Buffer> {
    return readRange(this.#seen, offset, Buffer.allocUnsafe(length))
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    await this.#seen.write(data, 0, data.length, offset)
    this.#unflushed.push({ kind: 'data', offset, length: data.length })
  }

  /** TRIM is this as well: of all that it may leave, zeros are the hardest to mistake for data. */
  async zero(offset: number, length: number): Promise<void> {
    if (length < writtenZerosBytes) return this.write(offset, Buffer.alloc(length))
    await punchHole(this.#seenPath, offset, length)
    this.#unflushed.push({ kind: 'zeros', offset, length })
  }

  /** Everything written so far survives from now on. */
  async flush(): Promise<void> {
    const changes = this.#unflushed
    this.#unflushed = []
    for (const change of changes) await this.#settle(change)
  }

  /**
   * The power goes: each change since the last flush is there, is gone, or is torn at sectors, by chance. Where a sector
   * was written several times, what is there is the last of it.
   */
  async losePower(random: () => number): Promise<PowerLoss> {
    const loss = { writes: 0, bytes: 0, kept: 0, torn: 0, lost: 0 }
    for (const change of this.#unflushed) {
      const fate = (['kept', 'torn', 'lost'] as const)[Math.floor(random() * 3)]!
      loss.writes++
      loss.bytes += change.length
      loss[fate]++
      if (fate === 'kept') await this.#settle(change)
      if (fate === 'torn') await this.#settle(tear(change, random))
    }
    this.#unflushed = []
    await this.#seen.close()
    await runProgram('cp', ['--sparse=always', '--reflink=auto', this.stablePath, this.#seenPath])
    this.#seen = await open(this.#seenPath, 'r+')
    return loss
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#seen.close()
    await this.#stable.close()
  }

  async #settle({ kind, offset, length }: Change): Promise<void> {
    if (kind === 'zeros') return punchHole(this.stablePath, offset, length)
    for (let done = 0; done < length; done += copyBytes) {
      const at = offset + done
      const piece = await readRange(this.#seen, at, Buffer.allocUnsafe(Math.min(copyBytes, length - done)))
      await this.#stable.write(piece, 0, piece.length, at)
    }
  }
}

const seenPath = (path: string) => `${path}.seen.raw`

/** Its beginning or its end, of whole sectors. */
function tear(change: Change, random: () => number): Change {
  const sectors = Math.floor(change.length / sectorBytes)
  const kept = Math.floor(random() * sectors) * sectorBytes
  const offset = random() < 0.5 ? change.offset : change.offset + change.length - kept
  return { ...change, offset, length: kept }
}

async function readRange(file: FileHandle, offset: number, into: Buffer): Promise<Buffer> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done)
    if (bytesRead === 0) throw new RangeError(`Cannot read ${into.length} bytes at ${offset}: the disk ends before`)
    done += bytesRead
  }
  return into
}

/** Of no length the program makes none. */
async function punchHole(path: string, offset: number, length: number): Promise<void> {
  if (length === 0) return
  await runProgram('fallocate', ['--punch-hole', '--offset', String(offset), '--length', String(length), path])
}
