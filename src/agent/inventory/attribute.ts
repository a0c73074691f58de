import { readFileSync } from 'node:fs'
import { oneLine } from '../../core/one-line.ts'

/**
 * The text of one small /sys or /proc file as one line; undefined when it is absent, empty, or the driver
 * refuses to answer (EIO, EINVAL and ENODEV are ordinary in /sys).
 */
export function readAttribute(path: string): string | undefined {
  const bytes = readAttributeBytes(path)
  return bytes === undefined ? undefined : oneLine(bytes.toString('utf8')) || undefined
}

export function readAttributeBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** Undefined when it is not a decimal number. */
export function readNumber(path: string): number | undefined {
  const text = readAttribute(path)
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined
}
