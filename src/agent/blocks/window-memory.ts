import { allocateAligned } from './aligned-memory.ts'

/** Of the device, worked on at once; windows are written one after the other, each from its start to its end. */
export const windowBytes = 32 * 1024 * 1024
/** While one is fetched another is written, and a third read. */
export const windowsAtOnce = 3

export function allocateWindows(): SharedArrayBuffer[] {
  return Array.from({ length: windowsAtOnce }, () => allocateAligned(windowBytes))
}
