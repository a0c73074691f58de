import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { bytesAtOnce, SocketSender } from '../linux/send-file.ts'
import { copyFile } from './copy-file.ts'
import { FileShrank } from './file-shrank.ts'

/** Below this, what it takes to send without copying is more than the copying. */
const smallestBytes = 128 * 1024
/** A call from libuv's pool ends when the socket is full, sooner than this. */
const mostBytesPerCall = 16 * 1024 * 1024
/** Bytes that go the ordinary way when the socket is full: Node says when it took them, and so when there is room. */
const pieceBytes = 4 * 1024

/**
 * Sends the bytes from `start` up to `end`, by sendfile(2) where there is a plain socket and enough to send: that takes
 * a fraction of the processor. Resolves to the bytes handed to the kernel; fewer when the client left. `onMove` is called each
 * time it took some. Throws FileShrank and what reading throws.
 */
export async function streamFile(
  file: FileHandle,
  start: number,
  end: number,
  response: ServerResponse,
  onMove: () => void = () => {},
): Promise<number> {
  if (end - start < smallestBytes) return copyFile(file, start, end, response)
  // With the headers before it; and then the responses before this one on the connection are through.
  const copied = await copyFile(file, start, start + pieceBytes, response)
  const sender = copied === pieceBytes ? openSender(response) : undefined
  if (!sender) return copied + (await copyFile(file, start + copied, end, response, onMove))
  try {
    return copied + (await sendFile(sender, file, start + copied, end, response, onMove))
  } finally {
    sender.close()
  }
}

/** Undefined where the bytes cannot go to the kernel directly: no socket any more, or TLS around it. */
function openSender(response: ServerResponse): SocketSender | undefined {
  const { socket } = response
  if (!socket || socket.destroyed || socket.writableLength > 0 || 'encrypted' in socket) return undefined
  const { fd } = (socket as unknown as { _handle?: { fd?: number } })._handle ?? {}
  return fd === undefined || fd < 0 ? undefined : new SocketSender(fd)
}

async function sendFile(
  sender: SocketSender,
  file: FileHandle,
  start: number,
  end: number,
  response: ServerResponse,
  onMove: () => void,
): Promise<number> {
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  let position = start
  while (position < end && !response.destroyed) {
    const wanted = Math.min(mostBytesPerCall, end - position)
    const sent = await sender.send(file.fd, position, wanted)
    if (sent === 0) throw new FileShrank(position)
    position += sent ?? 0
    onMove()
    if (position === end || response.destroyed) break
    if (sent !== undefined && sent >= bytesAtOnce) await othersTurn()
    else position += await writePiece(file, position, Math.min(pieceBytes, end - position), response, closed)
  }
  return position - start
}

/** What is sent at once lets nobody else in by itself. */
function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Resolves to how much of it the socket took: all, or nothing when it is closed. */
async function writePiece(
  file: FileHandle,
  position: number,
  length: number,
  response: ServerResponse,
  closed: Promise<void>,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(length)
  // Synchronous: the call that found no room in the socket had these bytes read already.
  const bytesRead = readSync(file.fd, buffer, 0, length, position)
  if (bytesRead === 0) throw new FileShrank(position)
  const written = new Promise<number>((resolve) => {
    response.write(buffer.subarray(0, bytesRead), (error) => resolve(error ? 0 : bytesRead))
  })
  return Promise.race([written, closed.then(() => 0)])
}
