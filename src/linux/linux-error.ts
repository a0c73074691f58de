import { constants } from 'node:os'

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))

/** A system call that failed: `bind(0.0.0.0:67) failed: EADDRINUSE`. */
export class LinuxError extends Error {
  override readonly name = 'LinuxError'
  /** The call and what it was asked to do. */
  readonly call: string
  /** Positive errno. */
  readonly errno: number
  /** Its name, `EPERM`; Node's own errors use the same property. */
  readonly code: string

  constructor(call: string, errno: number) {
    const code = names.get(errno) ?? `errno ${errno}`
    super(`${call} failed: ${code}${advice(code)}`)
    this.call = call
    this.errno = errno
    this.code = code
  }
}

function advice(code: string): string {
  if (code === 'EPERM' || code === 'EACCES') return ' (run as root, or give the service the capability it needs)'
  if (code === 'EADDRINUSE') return ' (another program already listens there: ss -lunpt names it)'
  if (code === 'ENODEV') return ' (no interface of that name: ip link lists them)'
  if (code === 'EIO') return ' (a disk did not do what it was asked to: look at its cables and its health)'
  return ''
}
