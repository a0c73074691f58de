import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { readRenditionBytes } from '../image/renditions/read-bytes.ts'
import { formatRenditionName } from '../image/renditions/rendition-name.ts'
import { readRendition, type StoredRendition } from '../image/renditions/stored-rendition.ts'
import type { Repository } from '../image/repository.ts'
import { GrowingFile } from './growing-file.ts'
import { gzipParts } from './gzip-stream.ts'

/** Version ids. Without a parent the stream is whole. */
export type StreamRequest = { version: string; parent?: string | undefined }

/** A gzip-ed stream, opened; who opened it closes the handle. `growing`: it is still being made. */
export type ShelvedStream = { id: string; handle: FileHandle; growing?: GrowingFile }

export type StreamShelfOptions = {
  repository: Repository
  /** For this shelf alone. */
  directory: string
  /** Bytes of streams that are kept. */
  mostBytes: number
  /** Makes the btrfs rendition where there is none. */
  ensureRendition: (request: StreamRequest) => Promise<void>
  /** A stream could not be made. */
  onFault: (error: unknown) => void
  signal: AbortSignal
}

/** Thrown to everybody who waits for a stream; `onFault` was told why. */
export class StreamNotMade extends Error {
  override readonly name = 'StreamNotMade'
  readonly request: StreamRequest

  constructor(request: StreamRequest, cause: unknown) {
    const against = request.parent === undefined ? '' : ` against ${request.parent}`
    super(`Cannot send version ${request.version}${against}: ${(cause as Error).message}`, { cause })
    this.request = request
  }
}

/**
 * Streams as they are sent: compressed once, kept in files, read by any number of clients, also while they are made. They
 * are made one after the other, so that nobody can make the machine do more, and to the end even when the client that
 * asked left: it will ask again.
 */
export class StreamShelf {
  readonly #options: StreamShelfOptions
  /** What is being made or waits for its turn, by what was asked for. */
  readonly #making = new Map<string, Promise<Started>>()
  #last: Promise<unknown> = Promise.resolve()

  private constructor(options: StreamShelfOptions) {
    this.#options = options
  }

  static async open(options: StreamShelfOptions): Promise<StreamShelf> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    for (const name of await readdir(options.directory)) {
      if (name.endsWith('.part')) await rm(path.join(options.directory, name))
    }
    return new StreamShelf(options)
  }

  /** Returns when there is something to send. Throws StreamNotMade. */
  async open(request: StreamRequest): Promise<ShelvedStream> {
    const key = `${request.version}.${request.parent ?? ''}`
    for (;;) {
      const whole = await this.#openWhole(request)
      if (whole) return whole
      let started = this.#making.get(key)
      if (!started) {
        started = this.#make(key, request)
        this.#making.set(key, started)
      }
      const { id, growing } = await started
      const handle = await open(growing.path, 'r').catch(absent)
      if (handle) return { id, handle, growing }
    }
  }

  async #openWhole({ version, parent }: StreamRequest): Promise<ShelvedStream | undefined> {
    const name = formatRenditionName({ name: 'btrfs', parent })
    const rendition = await readRendition(this.#options.repository, version, name)
    if (!rendition) return undefined
    const handle = await open(this.#file(rendition), 'r').catch(absent)
    if (!handle) return undefined
    await utimes(this.#file(rendition), new Date(), new Date()).catch(absent)
    return { id: idOf(rendition), handle }
  }

  /** Resolves when there is something to read; the turn of the next comes when all of it is there. */
  #make(key: string, request: StreamRequest): Promise<Started> {
    const { promise, resolve, reject } = Promise.withResolvers<Started>()
    const done = this.#last.then(async () => {
      try {
        await this.#makeInTurn(request, resolve)
      } catch (cause) {
        reject(new StreamNotMade(request, cause)) // those who read already learn it from the file
        this.#options.onFault(cause)
      } finally {
        this.#making.delete(key)
      }
    })
    this.#last = done
    return promise
  }

  async #makeInTurn(request: StreamRequest, onStarted: (started: Started) => void): Promise<void> {
    const { repository, ensureRendition, signal } = this.#options
    await ensureRendition(request)
    const name = formatRenditionName({ name: 'btrfs', parent: request.parent })
    const rendition = await readRendition(repository, request.version, name)
    if (!rendition) throw new Error(`Rendition ${name} of version ${request.version} went away while it was prepared`)
    const file = this.#file(rendition)
    const growing = await GrowingFile.create(`${file}.part`)
    onStarted({ id: idOf(rendition), growing })
    const bytes = untilAborted(readRenditionBytes(repository, rendition), signal)
    try {
      await growing.fill(gzipParts(bytes), () => rename(growing.path, file))
    } catch (error) {
      await rm(growing.path, { force: true })
      throw error
    }
    await this.#makeRoom(file)
  }

  /** Removes those that nobody asked for the longest; who reads one goes on reading. */
  async #makeRoom(newest: string): Promise<void> {
    const { directory, mostBytes } = this.#options
    const names = (await readdir(directory)).filter((name) => name.endsWith('.gz'))
    const files = await Promise.all(
      names.map(async (name) => {
        const file = path.join(directory, name)
        const { size, mtimeMs } = await stat(file)
        return { file, size, mtimeMs: file === newest ? Number.POSITIVE_INFINITY : mtimeMs }
      }),
    )
    let keptBytes = 0
    for (const { file, size } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      keptBytes += size
      if (keptBytes > mostBytes && file !== newest) await rm(file)
    }
  }

  /** By the rendition's manifest: one that is made anew may have other bytes. */
  #file(rendition: StoredRendition): string {
    return path.join(this.#options.directory, `${idOf(rendition)}.gz`)
  }
}

type Started = { id: string; growing: GrowingFile }

function idOf(rendition: StoredRendition): string {
  return rendition.statement.manifest
}

async function* untilAborted(parts: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const part of parts) {
    signal.throwIfAborted()
    yield part
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
