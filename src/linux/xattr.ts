import koffi from 'koffi'
import { bindLibc } from './libc.ts'
import { LinuxError } from './linux-error.ts'

const llistxattr = bindLibc<(path: Uint8Array, list: Uint8Array | null, size: number) => number>(
  'long llistxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)',
)
const lgetxattr = bindLibc<(path: Uint8Array, name: Uint8Array, value: Uint8Array | null, size: number) => number>(
  'long lgetxattr(const uint8_t *path, const uint8_t *name, _Out_ uint8_t *value, size_t size)',
)
const lsetxattr = bindLibc<
  (path: Uint8Array, name: Uint8Array, value: Uint8Array, size: number, flags: number) => number
>('int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, size_t size, int flags)')

const lremovexattr = bindLibc<(path: Uint8Array, name: Uint8Array) => number>(
  'int lremovexattr(const uint8_t *path, const uint8_t *name)',
)

// The kernel's own limits (linux/limits.h: XATTR_LIST_MAX, XATTR_SIZE_MAX): one buffer each, no call just for the size.
const list = Buffer.allocUnsafeSlow(65536)
const value = Buffer.allocUnsafeSlow(65536)

/** XFS shows its ACLs a second time, in its own form, to root: no other filesystem could take them. */
const repeatedByXfs = ['trusted.SGI_ACL_FILE', 'trusted.SGI_ACL_DEFAULT'].map((name) => Buffer.from(name))

/**
 * Names of a file's extended attributes, as bytes, in the kernel's order; a symlink is not followed. Empty where the
 * filesystem has none. `path` must not hold a NUL. Throws LinuxError.
 */
export function listXattrs(path: string | Uint8Array): Buffer[] {
  const length = llistxattr(terminated(path), list, list.length)
  if (length === 0) return []
  if (length < 0) {
    const error = new LinuxError(`llistxattr(${printable(path)})`, koffi.errno())
    if (error.code === 'ENOTSUP' || error.code === 'EOPNOTSUPP') return []
    throw error
  }
  const names: Buffer[] = []
  for (let start = 0; start < length; ) {
    const end = list.indexOf(0, start)
    const name = Buffer.from(list.subarray(start, end))
    if (!repeatedByXfs.some((repeated) => repeated.equals(name))) names.push(name)
    start = end + 1
  }
  return names
}

/** Value of one extended attribute; a symlink is not followed. Throws LinuxError, ENODATA where there is none. */
export function readXattr(path: string | Uint8Array, name: string | Uint8Array): Buffer {
  const length = lgetxattr(terminated(path), terminated(name), value, value.length)
  if (length < 0) throw new LinuxError(`lgetxattr(${printable(path)}, ${printable(name)})`, koffi.errno())
  return Buffer.from(value.subarray(0, length))
}

/** Sets one extended attribute; a symlink is not followed. Throws LinuxError. */
export function writeXattr(path: string | Uint8Array, name: string | Uint8Array, bytes: Uint8Array): void {
  if (lsetxattr(terminated(path), terminated(name), bytes, bytes.length, 0) === 0) return
  throw new LinuxError(`lsetxattr(${printable(path)}, ${printable(name)})`, koffi.errno())
}

/** Removes one extended attribute; a symlink is not followed. Throws LinuxError, ENODATA where there is none. */
export function removeXattr(path: string | Uint8Array, name: string | Uint8Array): void {
  if (lremovexattr(terminated(path), terminated(name)) === 0) return
  throw new LinuxError(`lremovexattr(${printable(path)}, ${printable(name)})`, koffi.errno())
}

function terminated(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(`${text}\0`) : Buffer.concat([text, Buffer.alloc(1)])
}

function printable(text: string | Uint8Array): string {
  return typeof text === 'string' ? text : Buffer.from(text).toString()
}
