import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { pieceBytes, type RamRootFile } from '../image/renditions/stored-ram-root.ts'

/** Syncs a finished file to its disk, and records what is in it. */
export async function sealFile(file: string): Promise<RamRootFile> {
  await using handle = await open(file, 'r+')
  await handle.sync()
  const whole = createHash('sha256')
  const pieces: string[] = []
  const buffer = Buffer.allocUnsafe(pieceBytes)
  let sizeBytes = 0
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, pieceBytes, sizeBytes)
    if (bytesRead === 0) break
    const piece = buffer.subarray(0, bytesRead)
    whole.update(piece)
    pieces.push(createHash('sha256').update(piece).digest('hex'))
    sizeBytes += bytesRead
  }
  return { name: path.basename(file), sizeBytes, sha256: whole.digest('hex'), pieces }
}
