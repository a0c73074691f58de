import { copyFile, open } from 'node:fs/promises'

/** Not an ELF file of 64 bits, low byte first. */
export class ExecutableUnusable extends Error {
  override readonly name = 'ExecutableUnusable'
}

const headerBytes = 64
const programHeaderBytes = 56

/**
 * Copies an executable without what only a debugger wants: symbols and sections stand behind the last segment, and nothing
 * of them is loaded. binutils' strip does it for the processor it was built for alone. (ELF-64: System V ABI, chapters 4 and 5.)
 */
export async function stripExecutable(source: string, target: string): Promise<void> {
  await copyFile(source, target)
  await using file = await open(target, 'r+')
  const header = Buffer.alloc(headerBytes)
  await file.read(header, 0, headerBytes, 0)
  if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) {
    throw new ExecutableUnusable(`Cannot pack ${source}: it is not an ELF file of 64 bits, low byte first`)
  }
  const count = header.readUInt16LE(56)
  const segments = Buffer.alloc(count * programHeaderBytes)
  await file.read(segments, 0, segments.length, Number(header.readBigUInt64LE(32)))
  let end = headerBytes
  for (let at = 0; at < segments.length; at += programHeaderBytes) {
    const offset = Number(segments.readBigUInt64LE(at + 8))
    end = Math.max(end, offset + Number(segments.readBigUInt64LE(at + 32)))
  }
  header.writeBigUInt64LE(0n, 40) // e_shoff
  header.fill(0, 58, 64) // e_shentsize, e_shnum, e_shstrndx
  await file.write(header, 0, headerBytes, 0)
  await file.truncate(end)
}
