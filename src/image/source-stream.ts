import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, type ReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { ImageSourceInvalid } from './image-source.ts'

const streamBytes = 1024 * 1024

type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2'

const magics: readonly [Compression, Buffer][] = [
  ['gzip', Buffer.of(0x1f, 0x8b)],
  ['zstd', Buffer.of(0x28, 0xb5, 0x2f, 0xfd)],
  ['xz', Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)],
  ['bzip2', Buffer.from('BZh')],
]
const programs = { xz: ['xz', 'xz-utils'], bzip2: ['bzip2', 'bzip2'] } as const

/** A source's uncompressed bytes, and how many of its own bytes were read so far. */
export type SourceStream = {
  bytes: AsyncIterable<Buffer>
  bytesRead: () => number
  bytesTotal: number
  isCompressed: boolean
}

export type SourcePart = {
  /** Where it starts in the file, and its size: the whole file where they are not given. */
  start: number
  sizeBytes: number
  /** What messages call it. */
  name: string
  /** Sees the bytes on their way, before they are decompressed, to their end; it may throw ImageSourceInvalid. */
  inspect: (bytes: AsyncIterable<Buffer>) => AsyncIterable<Buffer>
}

/**
 * Opens a file, or a part of one, that may be compressed by gzip, zstd, xz or bzip2: its first bytes tell, not its name.
 * Damage is thrown where it is met, as ImageSourceInvalid.
 */
export async function openSourceStream(file: string, part: Partial<SourcePart> = {}): Promise<SourceStream> {
  const { name = file, start = 0, inspect } = part
  if (part.sizeBytes === 0) throw new ImageSourceInvalid(name, undefined, 'it is empty')
  const { compression, sizeBytes: fileBytes } = await probe(file, start, name)
  const bytesTotal = part.sizeBytes ?? fileBytes - start
  const end = start + bytesTotal - 1
  const stream = createReadStream(file, { highWaterMark: streamBytes, start, end })
  const input: Input = { name, stream, stored: inspect ? inspect(stream) : stream }
  const bytes = decompress(input, compression)
  return { bytes, bytesRead: () => stream.bytesRead, bytesTotal, isCompressed: compression !== undefined }
}

/** `stored` is the stream as it is seen on its way. */
type Input = { name: string; stream: ReadStream; stored: AsyncIterable<Buffer> }

async function probe(file: string, start: number, name: string) {
  await using handle = await open(file, 'r')
  const first = Buffer.alloc(8)
  const { bytesRead } = await handle.read(first, 0, first.length, start)
  if (bytesRead === 0) throw new ImageSourceInvalid(name, undefined, 'it is empty')
  const [compression] = magics.find(([, magic]) => first.subarray(0, magic.length).equals(magic)) ?? []
  return { compression, sizeBytes: (await handle.stat()).size }
}

function decompress(input: Input, compression: Compression | undefined): AsyncIterable<Buffer> {
  switch (compression) {
    case undefined:
      return input.stored
    case 'gzip':
      return throughTransform(input, createGunzip({ chunkSize: streamBytes }))
    case 'zstd':
      return throughTransform(input, createZstdDecompress({ chunkSize: streamBytes }))
    default:
      return throughProgram(input, compression)
  }
}

async function* throughTransform(input: Input, transform: Duplex): AsyncGenerator<Buffer> {
  const fed = pipeline(input.stored, transform)
  fed.catch(() => undefined) // it reaches the reader as the transform's own error
  try {
    yield* transform
  } catch (error) {
    throw error instanceof ImageSourceInvalid ? error : damaged(input, (error as Error).message, error)
  } finally {
    input.stream.destroy()
    transform.destroy()
  }
}

async function* throughProgram(input: Input, compression: 'xz' | 'bzip2'): AsyncGenerator<Buffer> {
  const [program, debianPackage] = programs[compression]
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  const complaint = readText(child.stderr)
  const fed = pipeline(input.stored, child.stdin)
  for (const promise of [ended, complaint, fed]) promise.catch(() => undefined)
  try {
    yield* child.stdout
    const [code] = await ended
    if (code !== 0) throw damaged(input, (await complaint).trim() || `${program} ended with code ${code}`)
    await fed
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const reason = `it is compressed by ${compression}; install the Debian package ${debianPackage}`
    throw new ImageSourceInvalid(input.name, undefined, reason, { cause: error })
  } finally {
    input.stream.destroy()
    child.kill('SIGKILL')
  }
}

async function readText(stream: Readable): Promise<string> {
  let text = ''
  for await (const part of stream) if (text.length < 4000) text += part
  return text
}

function damaged({ name, stream }: Input, reason: string, cause?: unknown): ImageSourceInvalid {
  const where = `byte ${stream.bytesRead} of the file or before`
  return new ImageSourceInvalid(name, where, `it is truncated or damaged (${reason})`, { cause })
}
