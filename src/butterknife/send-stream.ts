import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { decideRange } from '../content/byte-range.ts'
import { streamFile } from '../content/stream-file.ts'
import { emptyBlock, gzipHeader } from './gzip-stream.ts'
import type { ShelvedStream } from './stream-shelf.ts'

export type StreamTiming = {
  /** Until then a fault is answered as one; after it something is sent, so that proxies do not give up. */
  patienceMs: number
  /** Between the signs of life from then on. */
  signMs: number
}

export const defaultStreamTiming: StreamTiming = { patienceMs: 20_000, signMs: 20_000 }

/**
 * Answers with a gzip-ed stream, which may have to be made first. `Content-Encoding: gzip` without being asked is what
 * Butterknife did and its clients undo by `zcat`. Resolves when the client has all of it, or left. Throws what
 * preparing throws when nothing was sent yet; later faults break the connection, which tells the client that the stream
 * is not whole, and are thrown too.
 */
export async function sendStream(
  request: IncomingMessage,
  response: ServerResponse,
  { fileName, prepare, timing }: { fileName: string; prepare: () => Promise<ShelvedStream>; timing: StreamTiming },
): Promise<void> {
  const headers: Headers = {
    'content-type': 'application/btrfs-stream',
    'content-encoding': 'gzip',
    'content-disposition': `attachment; filename="${fileName}"`,
    // A proxy that packs it anew, or unpacks it, would hand zcat something else.
    'cache-control': 'no-cache, no-transform',
  }
  const stream = await prepareAlive(response, headers, prepare, timing)
  try {
    if (response.destroyed) return
    if (response.headersSent) await follow(response, stream, gzipHeader.length)
    else if (stream.growing) {
      response.writeHead(200, headers)
      await follow(response, stream, 0)
    } else await sendWhole(request, response, stream, headers)
  } catch (error) {
    response.destroy()
    const isClientGone = (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE'
    if (!isClientGone) throw error
  } finally {
    await stream.handle.close()
  }
}

type Headers = Record<string, string | number>

/** Sends the start of any gzip stream, and then blocks of nothing, while the preparation takes its time. */
async function prepareAlive(
  response: ServerResponse,
  headers: Headers,
  prepare: () => Promise<ShelvedStream>,
  { patienceMs, signMs }: StreamTiming,
): Promise<ShelvedStream> {
  let signs: NodeJS.Timeout | undefined
  const patience = setTimeout(() => {
    if (response.destroyed) return
    response.writeHead(200, headers).write(gzipHeader)
    signs = setInterval(() => response.destroyed || response.write(emptyBlock), signMs).unref()
  }, patienceMs).unref()
  try {
    return await prepare()
  } finally {
    clearTimeout(patience)
    clearInterval(signs)
  }
}

/** What is there already, then the rest as it is made. */
async function follow(response: ServerResponse, stream: ShelvedStream, start: number): Promise<void> {
  await pipeline(Readable.from(readAsItGrows(stream, start)), response)
}

const readBytes = 256 * 1024

async function* readAsItGrows({ handle, growing }: ShelvedStream, start: number): AsyncGenerator<Buffer> {
  let position = start
  for (;;) {
    const end = growing ? await growing.grownBeyond(position) : (await handle.stat()).size
    if (end <= position) return
    while (position < end) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(readBytes), 0, readBytes, position)
      yield buffer.subarray(0, bytesRead)
      position += bytesRead
    }
  }
}

async function sendWhole(
  request: IncomingMessage,
  response: ServerResponse,
  { id, handle }: ShelvedStream,
  headers: Headers,
): Promise<void> {
  const { size } = await handle.stat()
  const etag = `"${id}"`
  const condition = request.headers['if-range']
  const range = condition === undefined || condition === etag ? decideRange(request.headers.range, size) : undefined
  if (range?.kind === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${size}`, 'content-length': 0 }).end()
    return
  }
  const { start, end } = range?.kind === 'part' ? range : { start: 0, end: size }
  response.writeHead(range?.kind === 'part' ? 206 : 200, {
    ...headers,
    etag,
    'accept-ranges': 'bytes',
    'content-length': end - start,
    ...(range?.kind === 'part' && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  })
  const sentBytes = await streamFile(handle, start, end, response)
  if (sentBytes === end - start) response.end()
  else response.destroy()
}
