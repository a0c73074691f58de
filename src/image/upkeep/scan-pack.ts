import { hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { DecodeError } from '../../bytes/decode-error.ts'
import { ChunkInvalid, openChunk } from '../open-chunk.ts'
import {
  decodeIndex,
  decodeRecordHeader,
  encodeIndex,
  magicBytes,
  type PackedChunk,
  packMagic,
  rowBytes,
} from '../pack-format.ts'

/** What is wrong with a pack or its index; `absent` for a file that is not there. */
export type FileState = { kind: 'whole' } | { kind: 'absent' } | { kind: 'damaged' | 'unreadable'; reason: string }

export type LostChunk = { chunkId: string; reason: string }

export type PackScan = {
  packId: string
  sizeBytes: number
  pack: FileState
  index: FileState
  /** Chunks whose bytes are right. */
  whole: PackedChunk[]
  /** Chunks that the pack or its index names and that cannot be had from it. */
  lost: LostChunk[]
}

const readBytes = 1024 * 1024
const absent: FileState = { kind: 'absent' }
const whole: FileState = { kind: 'whole' }

/** Reads a pack from end to end and compares every chunk in it with its id, with synchronous calls: for a worker. */
export function scanPack(packId: string, packFile: string, indexFile: string): PackScan {
  const index = readIndex(indexFile)
  const content = readPack(packFile)
  if (content.kind === 'absent') {
    const lost = (index.chunks ?? []).map(({ id }) => ({
      chunkId: id.toString('hex'),
      reason: 'its pack is not there',
    }))
    return { packId, sizeBytes: 0, pack: absent, index: index.state, whole: [], lost }
  }
  const { bytes, fault } = content
  const records = readRecords(packFile, bytes)
  const rows = mergeRows(records.chunks, records.problem === undefined ? [] : (index.chunks ?? []))
  const checked = checkChunks(rows, bytes, packFile)
  return {
    packId,
    sizeBytes: bytes.length,
    pack: fault ? { kind: 'unreadable', reason: fault } : judgePack(packId, bytes, records.problem),
    index: records.problem === undefined ? compareIndex(index, records.chunks) : index.state,
    ...checked,
  }
}

/** The index that a pack has when all of it can be read. */
export function indexOf(scan: PackScan): Buffer {
  return encodeIndex([...scan.whole].sort((a, b) => a.offset - b.offset))
}

function readIndex(file: string): { state: FileState; chunks?: PackedChunk[]; bytes?: Buffer } {
  try {
    const bytes = readFileSync(file)
    return { state: whole, bytes, chunks: decodeIndex('it', bytes) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { state: absent }
    if (error instanceof DecodeError) return { state: { kind: 'damaged', reason: message } }
    return { state: { kind: 'unreadable', reason: message } }
  }
}

function compareIndex(index: ReturnType<typeof readIndex>, chunks: PackedChunk[]): FileState {
  if (index.bytes === undefined || index.chunks === undefined) return index.state
  if (index.bytes.equals(encodeIndex(chunks))) return whole
  return { kind: 'damaged', reason: 'it does not say what its pack holds' }
}

type PackContent = { kind: 'absent' } | { kind: 'read'; bytes: Buffer; fault: string | undefined }

/** What cannot be read stands as zeros: the chunks beside it can still be had. */
function readPack(file: string): PackContent {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? { kind: 'absent' } : { kind: 'read', bytes: Buffer.alloc(0), fault: message }
  }
  try {
    const bytes = Buffer.alloc(fstatSync(fd).size)
    let fault: string | undefined
    for (let at = 0; at < bytes.length; ) {
      const wanted = Math.min(readBytes, bytes.length - at)
      try {
        const count = readSync(fd, bytes, at, wanted, at)
        if (count === 0) break
        at += count
      } catch (error) {
        fault ??= `${(error as Error).message}, at byte ${at}`
        at += wanted
      }
    }
    return { kind: 'read', bytes, fault }
  } finally {
    closeSync(fd)
  }
}

function readRecords(file: string, bytes: Buffer): { chunks: PackedChunk[]; problem?: string } {
  const chunks: PackedChunk[] = []
  try {
    if (!bytes.subarray(0, magicBytes).equals(packMagic)) throw new DecodeError(`pack ${file}`, 'it is no pack', 0)
    for (let offset = magicBytes; offset < bytes.length; ) {
      const chunk = decodeRecordHeader(`pack ${file}`, bytes.subarray(offset, offset + rowBytes), offset)
      offset = chunk.offset + chunk.storedBytes
      chunks.push(chunk)
      if (offset > bytes.length) throw new DecodeError(`pack ${file}`, 'it ends inside a chunk', bytes.length)
    }
    return { chunks }
  } catch (error) {
    if (error instanceof DecodeError) return { chunks, problem: error.message }
    throw error
  }
}

/** Behind a damaged record header only the index knows where chunks begin. */
function mergeRows(records: PackedChunk[], indexed: PackedChunk[]): PackedChunk[] {
  const offsets = new Set(records.map(({ offset }) => offset))
  return [...records, ...indexed.filter(({ offset }) => !offsets.has(offset))]
}

function checkChunks(rows: PackedChunk[], bytes: Buffer, file: string): Pick<PackScan, 'whole' | 'lost'> {
  const found: Pick<PackScan, 'whole' | 'lost'> = { whole: [], lost: [] }
  for (const chunk of rows) {
    try {
      openChunk(chunk, bytes.subarray(chunk.offset, chunk.offset + chunk.storedBytes), file)
      found.whole.push(chunk)
    } catch (error) {
      if (!(error instanceof ChunkInvalid)) throw error
      found.lost.push({ chunkId: error.chunkId, reason: error.reason })
    }
  }
  return found
}

function judgePack(packId: string, bytes: Buffer, problem: string | undefined): FileState {
  const actual = hash('sha256', bytes, 'hex')
  if (actual === packId) return problem === undefined ? whole : { kind: 'damaged', reason: problem }
  return { kind: 'damaged', reason: problem ?? `its content hashes to ${actual}` }
}
