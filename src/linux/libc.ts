import koffi from 'koffi'
import { LinuxError } from './linux-error.ts'

const libc = koffi.load('libc.so.6')

/**
 * Binds one libc function by its C declaration, `int close(int fd)`. Give it a TypeScript signature at the call; `-1`
 * means errno, which `checkResult` reads.
 */
export function bindLibc<Signature extends (...values: never[]) => unknown>(declaration: string): Signature {
  return libc.func(declaration) as unknown as Signature
}

/**
 * Passes a result of zero or more through, and turns -1 into a LinuxError. Call it directly on the libc call, before
 * anything else can change errno. `call` says what was tried and is only made into text on failure.
 */
export function checkResult(result: number, call: () => string): number {
  if (result !== -1) return result
  throw new LinuxError(call(), koffi.errno())
}
