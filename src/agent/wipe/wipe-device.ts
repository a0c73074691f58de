import type { BlockDevice } from '../blocks/block-device.ts'

/** An open disk as far as wiping needs it: what is read comes from the disk itself, never from a cache of the kernel. */
export type WipeDevice = Pick<BlockDevice, 'path' | 'sizeBytes' | 'sectorBytes' | 'read' | 'write' | 'flush'>
