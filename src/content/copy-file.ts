import type { FileHandle } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { FileShrank } from './file-shrank.ts'

/** Two of these are held for each response under way, however slow its reader is. */
const bufferBytes = 256 * 1024

/** Buffers to use again: fresh memory costs a fifth of the speed at ranges of 1 MiB. */
const spareBuffers: Buffer[] = []
const mostSpareBuffers = 64

/**
 * Sends the bytes from `start` up to `end` through memory: one buffer is read while the other is on its way, and a buffer is filled
 * again only when the kernel took what it held. Resolves to the bytes handed to the kernel; fewer when the client left.
 * Throws FileShrank and what reading throws.
 */
export async function copyFile(
  file: FileHandle,
  start: number,
  end: number,
  response: ServerResponse,
  onMove: () => void = () => {},
): Promise<number> {
  const closed = new Promise<'closed'>((resolve) => response.once('close', () => resolve('closed')))
  const buffers: Buffer[] = []
  let written: Promise<'written'> = Promise.resolve('written')
  let turn = 0
  let position = start
  while (position < end && !response.destroyed) {
    const buffer = buffers[turn] ?? spareBuffers.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)
    buffers[turn] = buffer
    const { bytesRead } = await file.read(buffer, 0, Math.min(bufferBytes, end - position), position)
    if (bytesRead === 0) throw new FileShrank(position)
    // The other buffer's write: until it is done no more than one is queued, and that buffer is not free.
    if ((await Promise.race([written, closed])) === 'closed') return position - start
    onMove()
    written = write(response, buffer.subarray(0, bytesRead))
    position += bytesRead
    turn = 1 - turn
  }
  // After a broken connection the kernel may still read from the buffers: those are left to the collector.
  const isWhole = (await Promise.race([written, closed])) === 'written' && !response.destroyed
  if (isWhole && spareBuffers.length < mostSpareBuffers) spareBuffers.push(...buffers)
  return position - start
}

function write(response: ServerResponse, bytes: Uint8Array): Promise<'written'> {
  return new Promise((resolve) => response.write(bytes, () => resolve('written')))
}
