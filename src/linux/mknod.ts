import { bindLibc, checkResult } from './libc.ts'

const mknod = bindLibc<(path: Uint8Array, mode: number, device: bigint) => number>(
  'int mknod(const uint8_t *path, unsigned int mode, uint64_t device)',
)

const fileTypes = { 'character-device': 0o020000, 'block-device': 0o060000, fifo: 0o010000, socket: 0o140000 } as const

export type SpecialFile = {
  kind: keyof typeof fileTypes
  /** Permission bits; the process's umask takes some away, so set them again where they matter. */
  mode: number
  /** Device numbers, for the two device kinds only. */
  major?: number
  minor?: number
}

/** Makes a device, FIFO or socket file. `path` may be bytes, for names that are not UTF-8. Throws LinuxError. */
export function makeSpecialFile(path: string | Uint8Array, file: SpecialFile): void {
  const bytes = Buffer.concat([typeof path === 'string' ? Buffer.from(path) : path, Buffer.alloc(1)])
  const device = deviceNumber(file.major ?? 0, file.minor ?? 0)
  checkResult(
    mknod(bytes, fileTypes[file.kind] | (file.mode & 0o7777), device),
    () => `mknod(${bytes.subarray(0, -1).toString()}, ${file.kind} ${file.major ?? 0}:${file.minor ?? 0})`,
  )
}

/** glibc's makedev(): 12 + 20 bits of the classic pair, the rest above them. */
export function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn)
}
