import { oneLine } from './one-line.ts'
import type { UpdatePolicy } from './update.ts'

/**
 * What a running system is told to restart into, one NAME VALUE a line, because a shell reads it (ramroot/update.sh). Its last line,
 * `mac`, is a hash with a key that only this boot of the machine has.
 */
export type UpdateOrder = {
  nonce: string
  /** For people: `web:current (3f9a…)`. */
  title: string
  by: UpdatePolicy['by']
  kernel: UpdateFile
  /** In the order in which the kernel unpacks them. */
  initrds: readonly UpdateFile[]
  kernelArguments: readonly string[]
}

/** `path`: on the boot plane. */
export type UpdateFile = { path: string; sizeBytes: number; sha256: string }

export function encodeUpdateOrder(order: UpdateOrder): string {
  const { nonce, title, by, kernel, initrds, kernelArguments } = order
  const file = ({ path, sizeBytes, sha256 }: UpdateFile) => `${sha256} ${sizeBytes} ${path}`
  const lines = [
    ...[`nonce ${nonce}`, `title ${title}`, `by ${by}`, `kernel ${file(kernel)}`],
    ...initrds.map((initrd) => `initrd ${file(initrd)}`),
    `arguments ${kernelArguments.join(' ')}`,
  ]
  return lines.map((line) => `${oneLine(line, 4096)}\n`).join('')
}
