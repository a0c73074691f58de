import { closeSync, fdatasyncSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Ipv4 } from '../bytes/ipv4.ts'
import type { Lease } from '../core/lease.ts'
import { decodeLeaseRecord, leaseRecordAddress, leaseRecordBytes, unitBytes } from './lease-record.ts'

/** The file is something else, and is not to be written over. */
export class NoLeaseJournal extends Error {
  override readonly name = 'NoLeaseJournal'
}

const header = Buffer.alloc(unitBytes)
header.write('bootwright leases 1\n')
/** Zeros are written ahead of the records: a sync then has only data to write, no size and no blocks of the file. */
const aheadBytes = 1 << 20
const pieceBytes = 256 << 10
/** Below this it is not worth to make it smaller. */
const smallBytes = 4 << 20

/** `live`: where the last record of each address is, the earliest written first; `end`: behind the last byte that is not zero. */
type Contents = { bytes: Buffer; live: Map<Ipv4, { at: number; sizeBytes: number }>; end: number }

/**
 * Leases as records in the order in which they were written; of an address the last one holds. One thread has it, whose
 * calls wait for the disk. What append() returned from is on disk, whatever becomes of the machine.
 */
export class LeaseJournal {
  readonly #file: string
  #fd: number
  #end: number
  /** Up to here the file has blocks. */
  #roomEnd: number
  #compactAtBytes: number
  #isCompacting = false

  /** Makes the file where there is none; its directory must exist. Throws NoLeaseJournal and the errors of node:fs. */
  constructor(file: string) {
    this.#file = file
    this.#fd = openJournal(file)
    const { bytes, end, live } = readContents(this.#fd)
    this.#end = end
    this.#roomEnd = bytes.length
    this.#compactAtBytes = compactionSize(live)
  }

  /** Whole records, durable on return. Where it throws nothing has changed, and the next call may succeed. */
  append(records: Uint8Array): void {
    this.makeRoom(records.length)
    writeAll(this.#fd, records, this.#end)
    fdatasyncSync(this.#fd)
    this.#end += records.length
  }

  /** Has zeros for at least so many bytes: asked for ahead, so that nobody waits for them. */
  makeRoom(sizeBytes: number): void {
    if (this.#end + sizeBytes <= this.#roomEnd) return
    writeAll(this.#fd, Buffer.alloc(aheadBytes), this.#roomEnd)
    fsyncSync(this.#fd)
    this.#roomEnd += aheadBytes
  }

  get needsCompaction(): boolean {
    return !this.#isCompacting && this.#end > this.#compactAtBytes
  }

  /**
   * Leaves only the last record of each address: written aside in turns between which appends go on, then renamed. What
   * fails before the renaming leaves the journal as it was, to be tried again when it is twice as long: a disk that is full
   * is told of by the first lease it does not take. Rejects where nobody knows which of the two files a restart would find.
   */
  async compact(): Promise<void> {
    this.#isCompacting = true
    const before = { fd: this.#fd, end: this.#end }
    try {
      await this.#writeAside(before)
    } catch {
      rmSync(asideName(this.#file), { force: true })
      this.#compactAtBytes = 2 * this.#end
    } finally {
      this.#isCompacting = false
    }
    if (this.#fd === before.fd) return
    closeSync(before.fd)
    syncDirectoryOf(this.#file)
  }

  async #writeAside({ fd, end }: { fd: number; end: number }): Promise<void> {
    const { bytes, live } = await readInTurns(fd, end)
    const target = openSync(asideName(this.#file), 'w+', 0o600)
    try {
      const liveEnd = await writeLive(target, bytes, live)
      // From here on in one turn: nothing is appended between this copy of what came meanwhile and the renaming.
      const tail = readBytes(fd, end, this.#end - end)
      writeAll(target, tail, liveEnd)
      writeAll(target, Buffer.alloc(aheadBytes), liveEnd + tail.length)
      fsyncSync(target)
      renameSync(asideName(this.#file), this.#file)
      this.#fd = target
      this.#end = liveEnd + tail.length
      this.#roomEnd = this.#end + aheadBytes
      this.#compactAtBytes = compactionSize(live)
    } finally {
      if (this.#fd !== target) closeSync(target)
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** The last lease of each address, the earliest written first. Throws NoLeaseJournal and the errors of node:fs. */
export function readLeaseJournal(file: string): Lease[] {
  const fd = openSync(file, 'r')
  try {
    const { bytes, live } = readContents(fd)
    return Array.from(live.values(), ({ at }) => decodeLeaseRecord(bytes, at))
  } finally {
    closeSync(fd)
  }
}

function openJournal(file: string): number {
  try {
    return openSync(file, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const fd = openSync(asideName(file), 'w+', 0o600)
    writeAll(fd, header, 0)
    fsyncSync(fd)
    renameSync(asideName(file), file)
    syncDirectoryOf(file)
    return fd
  }
}

function readContents(fd: number): Contents {
  const bytes = readBytes(fd, 0, Number.POSITIVE_INFINITY)
  if (!bytes.subarray(0, unitBytes).equals(header)) {
    throw new NoLeaseJournal('it is no lease journal of this version')
  }
  const contents: Contents = { bytes, live: new Map(), end: unitBytes }
  for (let at = unitBytes; at < bytes.length; ) at = lookAt(contents, at)
  return contents
}

/** Notes the record at `at`, and returns where to go on: at the next unit where there is none. */
function lookAt(contents: Contents, at: number): number {
  const { bytes, live } = contents
  const sizeBytes = leaseRecordBytes(bytes, at)
  if (sizeBytes === undefined) {
    if (!isZero(bytes, at)) contents.end = at + unitBytes
    return at + unitBytes
  }
  const address = leaseRecordAddress(bytes, at)
  live.delete(address)
  live.set(address, { at, sizeBytes })
  contents.end = at + sizeBytes
  return contents.end
}

function isZero(bytes: Buffer, at: number): boolean {
  for (let index = at; index < at + unitBytes && index < bytes.length; index++) if (bytes[index] !== 0) return false
  return true
}

async function readInTurns(fd: number, sizeBytes: number): Promise<Contents> {
  const contents: Contents = { bytes: readBytes(fd, 0, sizeBytes), live: new Map(), end: unitBytes }
  let turnEnd = pieceBytes
  for (let at = unitBytes; at < sizeBytes; ) {
    at = lookAt(contents, at)
    if (at < turnEnd) continue
    turnEnd = at + pieceBytes
    await nextTurn()
  }
  return contents
}

/** Returns where the next record goes. */
async function writeLive(fd: number, bytes: Buffer, live: Contents['live']): Promise<number> {
  const piece = Buffer.alloc(pieceBytes)
  let filled = header.copy(piece)
  let end = 0
  for (const { at, sizeBytes } of live.values()) {
    if (filled + sizeBytes > pieceBytes) {
      writeAll(fd, piece.subarray(0, filled), end)
      fdatasyncSync(fd)
      end += filled
      filled = 0
      await nextTurn()
    }
    filled += bytes.copy(piece, filled, at, at + sizeBytes)
  }
  writeAll(fd, piece.subarray(0, filled), end)
  return end + filled
}

function compactionSize(live: Contents['live']): number {
  let liveBytes = 0
  for (const { sizeBytes } of live.values()) liveBytes += sizeBytes
  return Math.max(smallBytes, 4 * liveBytes)
}

function asideName(file: string): string {
  return `${file}.aside`
}

/** Up to the file's end. */
function readBytes(fd: number, from: number, sizeBytes: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = from; at < from + sizeBytes; ) {
    const piece = Buffer.allocUnsafe(Math.min(aheadBytes, from + sizeBytes - at))
    const count = readSync(fd, piece, 0, piece.length, at)
    if (count === 0) break
    pieces.push(piece.subarray(0, count))
    at += count
  }
  return Buffer.concat(pieces)
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done)
}

function syncDirectoryOf(file: string): void {
  const directory = openSync(dirname(file), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
