import { DecodeError } from '../bytes/decode-error.ts'

/**
 * The UEFI variable BootOrder in hexadecimal, without its attributes: numbers of 16 bits, the low byte first (UEFI
 * specification §3.1.2). Throws DecodeError.
 */
export function decodeBootOrder(hex: string): string[] {
  if (!/^([0-9a-f]{4})*$/.test(hex)) throw new DecodeError('BootOrder', 'it is not hexadecimal numbers of 16 bits')
  return [...hex.matchAll(/(..)(..)/g)].map(([, low, high]) => `${high}${low}`.toUpperCase())
}

/**
 * In words what firmware made of the order at a restart; undefined where its first two entries, the network and the disk, are
 * still what was set.
 */
export function describeLostOrder(wanted: readonly string[] | undefined, has: readonly string[]): string | undefined {
  if (wanted === undefined || wanted.slice(0, 2).join() === has.slice(0, 2).join()) return undefined
  return (
    `the firmware changed its boot order when it restarted: ${wanted.join(' ')} was set, it has ${has.join(' ') || 'none'}; ` +
    'where it does not start from the network first, set that in its set-up'
  )
}
