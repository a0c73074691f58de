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
export type SourceStream = { bytes: AsyncIterable<Buffer>; bytesRead: () => number; bytesTotal: number }

/**
 * Opens a file that may be compressed by gzip, zstd, xz or bzip2: its first bytes tell, not its name. Damage is thrown
 * where it is met, as ImageSourceInvalid.
 */
export async function openSourceStream(file: string): Promise<SourceStream> {
  const { compression, bytesTotal } = await probe(file)
  const stream = createReadStream(file, { highWaterMark: streamBytes })
  return { bytes: decompress(file, stream, compression), bytesRead: () => stream.bytesRead, bytesTotal }
}

async function probe(file: string): Promise<{ compression: Compression | undefined; bytesTotal: number }> {
  await using handle = await open(file, 'r')
  const start = Buffer.alloc(8)
  const { bytesRead } = await handle.read(start, 0, start.length, 0)
  if (bytesRead === 0) throw new ImageSourceInvalid(file, undefined, 'it is empty')
  const [compression] = magics.find(([, magic]) => start.subarray(0, magic.length).equals(magic)) ?? []
  return { compression, bytesTotal: (await handle.stat()).size }
}

function decompress(file: string, stream: ReadStream, compression: Compression | undefined): AsyncIterable<Buffer> {
  switch (compression) {
    case undefined:
      return stream
    case 'gzip':
      return throughTransform(file, stream, createGunzip({ chunkSize: streamBytes }))
    case 'zstd':
      return throughTransform(file, stream, createZstdDecompress({ chunkSize: streamBytes }))
    default:
      return throughProgram(file, stream, compression)
  }
}

async function* throughTransform(file: string, stream: ReadStream, transform: Duplex): AsyncGenerator<Buffer> {
  const fed = pipeline(stream, transform)
  fed.catch(() => undefined) // it reaches the reader as the transform's own error
  try {
    yield* transform
  } catch (error) {
    throw damaged(file, stream, (error as Error).message, error)
  } finally {
    stream.destroy()
    transform.destroy()
  }
}

async function* throughProgram(file: string, stream: ReadStream, compression: 'xz' | 'bzip2'): AsyncGenerator<Buffer> {
  const [program, debianPackage] = programs[compression]
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  const complaint = readText(child.stderr)
  const fed = pipeline(stream, child.stdin)
  for (const promise of [ended, complaint, fed]) promise.catch(() => undefined)
  try {
    yield* child.stdout
    const [code] = await ended
    if (code !== 0) throw damaged(file, stream, (await complaint).trim() || `${program} ended with code ${code}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const reason = `it is compressed by ${compression}; install the Debian package ${debianPackage}`
    throw new ImageSourceInvalid(file, undefined, reason, { cause: error })
  } finally {
    stream.destroy()
    child.kill('SIGKILL')
  }
}

async function readText(stream: Readable): Promise<string> {
  let text = ''
  for await (const part of stream) if (text.length < 4000) text += part
  return text
}

function damaged(file: string, stream: ReadStream, reason: string, cause?: unknown): ImageSourceInvalid {
  const where = `byte ${stream.bytesRead} of the file or before`
  return new ImageSourceInvalid(file, where, `it is truncated or damaged (${reason})`, { cause })
}
