import { ChunkMissing, decodeLocations, type RowLocation } from '../locations.ts'
import { maxManifestBytes } from '../manifest-open.ts'
import { ChunkInvalid, openChunk } from '../open-chunk.ts'
import { chunkKey } from '../pack-index.ts'
import type { VersionFileName } from '../repository-layout.ts'
import { type ReadStore, StoreUnreachable } from './chunk-store.ts'
import { readContentChunks } from './content-chunks.ts'
import { type ContentName, formatContentName } from './content-name.ts'

type Place = RowLocation & { packId: string; sizeBytes: number }
type Places = Map<string, Place>

const answerWithinMs = 60_000

/**
 * The images of a Bootwright server, by its boot plane's own routes: `/images/VERSION/…` and `/packs/PACK` with a Range
 * (RFC 9110 §14). Nothing it says is believed: chunks and manifests are compared with their names.
 */
export class HttpStore implements ReadStore {
  readonly origin: string
  readonly #places = new Map<string, Promise<Places>>()

  /** `url` is the server's: `http://server:8080/`. Throws TypeError for what is no URL. */
  constructor(url: string) {
    this.origin = new URL(url.endsWith('/') ? url : `${url}/`).href
  }

  readFile({ version, rendition }: ContentName, file: VersionFileName): Promise<Buffer | undefined> {
    const below = rendition === undefined ? '' : `renditions/${rendition}/`
    return this.#get(`images/${version}/${below}${file}`)
  }

  async readChunk(id: string, holders: readonly ContentName[]): Promise<Buffer> {
    for (const holder of holders) {
      // A prune there may have moved the chunk since: then the second reading of the locations has its new place.
      for (let attempt = 0; attempt < 2; attempt++) {
        const place = (await this.#placesOf(holder)).get(chunkKey(Buffer.from(id, 'hex')))
        const stored = place && (await this.#readRange(place))
        if (stored) return openChunk({ ...place, id: Buffer.from(id, 'hex') }, stored, this.#packUrl(place.packId))
        if (!place) break
        this.#places.delete(formatContentName(holder))
      }
    }
    throw new ChunkMissing(id, this.origin)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#places.clear()
  }

  #placesOf(content: ContentName): Promise<Places> {
    const name = formatContentName(content)
    let places = this.#places.get(name)
    if (!places) {
      places = this.#readPlaces(content)
      this.#places.set(name, places)
      places.catch(() => this.#places.delete(name))
    }
    return places
  }

  async #readPlaces(content: ContentName): Promise<Places> {
    const places: Places = new Map()
    const manifest = await this.readFile(content, 'manifest')
    const locations = await this.readFile(content, 'locations')
    if (!manifest || !locations) return places
    const { chunks, locationsId } = readContentChunks(content, manifest)
    for (const { packId, chunks: inPack } of decodeLocations(locations, locationsId, chunks)) {
      for (const location of inPack) {
        const { row } = location
        const key = chunkKey(chunks.ids.subarray(row * 32, row * 32 + 32))
        places.set(key, { ...location, packId, sizeBytes: chunks.sizes[row]! })
      }
    }
    return places
  }

  async #readRange({ packId, offset, storedBytes }: Place): Promise<Buffer | undefined> {
    const range = `bytes=${offset}-${offset + storedBytes - 1}`
    const bytes = await this.#get(`packs/${packId}`, range, storedBytes)
    if (bytes === undefined || bytes.length === storedBytes) return bytes
    throw new ChunkInvalid(packId, this.#packUrl(packId), `the answer has ${bytes.length} of ${storedBytes} bytes`)
  }

  #packUrl(packId: string): string {
    return `${this.origin}packs/${packId}`
  }

  /** Undefined for 404, and for 416: what is asked for is not there. */
  async #get(path: string, range?: string, limitBytes = maxManifestBytes): Promise<Buffer | undefined> {
    const url = `${this.origin}${path}`
    try {
      const response = await fetch(url, {
        headers: { 'accept-encoding': 'identity', ...(range !== undefined && { range }) },
        signal: AbortSignal.timeout(answerWithinMs),
      })
      if (response.status === (range === undefined ? 200 : 206)) return await readBody(response, limitBytes)
      await response.body?.cancel()
      if (response.status === 404 || response.status === 416) return undefined
      throw new StoreUnreachable(this.origin, `${url} answered ${response.status} ${response.statusText}`)
    } catch (error) {
      if (error instanceof StoreUnreachable) throw error
      const { message, cause } = error as Error & { cause?: Error }
      throw new StoreUnreachable(this.origin, `${url}: ${cause?.message ?? message}`, { cause: error })
    }
  }
}

async function readBody(response: Response, limitBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > limitBytes) throw new Error(`it sends more than ${limitBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
