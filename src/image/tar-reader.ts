import { DecodeError } from '../bytes/decode-error.ts'
import type { ByteSource } from './byte-source.ts'
import { SourceTruncated } from './byte-source.ts'
import { decodeFileName } from './file-name.ts'
import { blockBytes, decodeSparseBlock, decodeTarHeader, type SparseExtent, type TarHeader } from './tar-header.ts'
import { decimal, decodePax, type PaxRecords, pairUp, paxInteger, paxSparseMap, paxTime } from './tar-pax.ts'

const maxExtensionBytes = 16 * 1024 * 1024 // a pax header holds attributes of up to 64 KiB each, and sparse maps

/** One member of a tar with its extended headers applied; what its bytes are is still in the stream. */
export type TarMember = {
  header: TarHeader
  pax: PaxRecords
  /** As it stands in the archive. */
  name: string
  linkName: string
  uid: number
  gid: number
  mtimeSeconds: number
  mtimeNanoseconds: number
  /** Where its data lies in the file, and the file's whole size: one extent unless it is sparse. */
  sizeBytes: number
  extents: SparseExtent[]
  /** Offset of its header in the uncompressed archive. */
  position: number
}

/** Bytes between header and data or behind it, up to the end of the block. */
function paddingOf(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes
}

/**
 * Reads a tar member by member: ustar, pax and GNU, with long names, pax attributes and the four sparse formats. Throws
 * DecodeError for what is malformed and SourceTruncated for what ends early.
 */
export class TarReader {
  readonly #source: ByteSource
  #globals: PaxRecords = new Map()
  /** Data of the present member that was not read, with its padding. */
  #left = 0

  constructor(source: ByteSource) {
    this.#source = source
  }

  /** Undefined at the end of the archive. What was not read of the last member is skipped. */
  async next(): Promise<TarMember | undefined> {
    await this.#source.skip(this.#left)
    this.#left = 0
    const extensions: { pax: PaxRecords; name?: Buffer; linkName?: Buffer } = { pax: new Map(this.#globals) }
    for (;;) {
      const position = this.#source.position
      const block = await this.#source.read(blockBytes)
      if (!block) throw new SourceTruncated()
      const header = decodeTarHeader(block, position)
      if (!header) {
        await this.#source.drain()
        return undefined
      }
      switch (header.typeflag) {
        case 'x':
        case 'X':
          extensions.pax = mergePax(this.#globals, decodePax(await this.#readExtension(header, position), position))
          break
        case 'g':
          this.#globals = mergePax(this.#globals, decodePax(await this.#readExtension(header, position), position))
          extensions.pax = new Map(this.#globals)
          break
        case 'L':
          extensions.name = withoutNul(await this.#readExtension(header, position))
          break
        case 'K':
          extensions.linkName = withoutNul(await this.#readExtension(header, position))
          break
        case 'V': // the volume's label
          await this.#source.skip(header.size + paddingOf(header.size))
          break
        default:
          return this.#member(header, extensions, position)
      }
    }
  }

  /** The present member's stored data, piece by piece; extents say where it belongs. */
  async *data(member: TarMember): AsyncGenerator<Buffer> {
    let stored = 0
    for (const { length } of member.extents) stored += length
    if (stored > this.#left)
      throw new DecodeError('tar member', 'its sparse map is longer than its data', member.position)
    this.#left -= stored
    yield* this.#source.pieces(stored)
  }

  async #member(
    header: TarHeader,
    extensions: { pax: PaxRecords; name?: Buffer; linkName?: Buffer },
    position: number,
  ): Promise<TarMember> {
    const { pax } = extensions
    const mtime = paxTime(pax, 'mtime') ?? { seconds: header.mtime, nanoseconds: 0 }
    const storedBytes = header.typeflag === '1' ? 0 : (paxInteger(pax, 'size') ?? header.size)
    if (storedBytes < 0) throw new DecodeError('tar header', `its size is ${storedBytes}`, position)
    this.#left = storedBytes + paddingOf(storedBytes)
    const sparse = await this.#sparse(header, pax, position)
    return {
      header,
      pax,
      name: decodeFileName(pax.get('GNU.sparse.name') ?? pax.get('path') ?? extensions.name ?? header.name),
      linkName: decodeFileName(pax.get('linkpath') ?? extensions.linkName ?? header.linkname),
      uid: paxInteger(pax, 'uid') ?? header.uid,
      gid: paxInteger(pax, 'gid') ?? header.gid,
      mtimeSeconds: mtime.seconds,
      mtimeNanoseconds: mtime.nanoseconds,
      ...(sparse ?? { sizeBytes: storedBytes, extents: [{ offset: 0, length: storedBytes }] }),
      position,
    }
  }

  async #sparse(header: TarHeader, pax: PaxRecords, position: number) {
    let sparse: { sizeBytes: number; extents: SparseExtent[] } | undefined
    if (header.sparse) {
      const extents = header.sparse.extents
      for (let isExtended = header.sparse.isExtended; isExtended; ) {
        const at = this.#source.position
        const block = await this.#source.read(blockBytes)
        if (!block) throw new SourceTruncated()
        const more = decodeSparseBlock(block, at)
        extents.push(...more.extents)
        isExtended = more.isExtended
      }
      sparse = { sizeBytes: header.sparse.realSize, extents }
    } else if (pax.get('GNU.sparse.major')?.toString() === '1') {
      const sizeBytes = paxInteger(pax, 'GNU.sparse.realsize') ?? 0
      sparse = { sizeBytes, extents: await this.#readSparseMap() }
    } else {
      const extents = paxSparseMap(pax)
      if (extents) sparse = { sizeBytes: paxInteger(pax, 'GNU.sparse.size') ?? 0, extents }
    }
    return sparse && { sizeBytes: sparse.sizeBytes, extents: orderedExtents(sparse, position) }
  }

  /** Sparse format 1.0: the map stands before the data, one decimal number a line, filled up to the end of a block. */
  async #readSparseMap(): Promise<SparseExtent[]> {
    const numbers: number[] = []
    let wanted = 1
    let rest = ''
    while (numbers.length < wanted) {
      if (this.#left < blockBytes) throw new SourceTruncated()
      const block = await this.#source.read(blockBytes)
      if (!block) throw new SourceTruncated()
      this.#left -= blockBytes
      const lines = (rest + block.toString('latin1')).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (numbers.length >= wanted) break
        numbers.push(decimal(line, 'the sparse map'))
        if (numbers.length === 1) wanted = 1 + numbers[0]! * 2
      }
    }
    return pairUp(numbers.slice(1))
  }

  async #readExtension(header: TarHeader, position: number): Promise<Buffer> {
    if (header.size < 0 || header.size > maxExtensionBytes) {
      throw new DecodeError('tar header', `an extended header of ${header.size} bytes`, position)
    }
    const bytes = header.size === 0 ? Buffer.alloc(0) : await this.#source.read(header.size)
    if (!bytes) throw new SourceTruncated()
    await this.#source.skip(paddingOf(header.size))
    return bytes
  }
}

function mergePax(globals: PaxRecords, own: PaxRecords): PaxRecords {
  const merged: PaxRecords = new Map([...globals, ...own])
  if (own.sparseExtents) merged.sparseExtents = own.sparseExtents
  return merged
}

/** Without the empty ones; GNU ends a map with one at the file's size. Throws DecodeError. */
function orderedExtents(sparse: { sizeBytes: number; extents: SparseExtent[] }, position: number): SparseExtent[] {
  const extents = sparse.extents.filter(({ length }) => length > 0)
  let end = 0
  for (const { offset, length } of extents) {
    if (offset < end || length < 0) throw new DecodeError('tar member', 'its sparse map is not in order', position)
    end = offset + length
  }
  if (end > sparse.sizeBytes) throw new DecodeError('tar member', 'its sparse map ends behind the file', position)
  return extents
}

function withoutNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}
