import { DecodeError } from '../../bytes/decode-error.ts'
import { macFromBytes } from '../../bytes/mac.ts'
import type { Bmc } from '../../core/inventory.ts'

/** IPMI 2.0 §23.2, Get LAN Configuration Parameters, and table 23-4's numbers of those that are asked. */
export const lanParameter = { address: 3, source: 4, mac: 5 } as const
export type LanParameter = keyof typeof lanParameter

const sources: Readonly<Record<number, string>> = { 1: 'static', 2: 'dhcp', 3: 'bios', 4: 'other' }

/** The completion code of an answer that is one; a BMC says by others that it has no such channel or parameter. */
const success = 0

/**
 * An answer's bytes: completion code, revision of the parameter, the parameter. Undefined where the BMC does not have it, or has
 * nothing in it yet. Throws DecodeError for an answer that is too short.
 */
export function decodeLanParameter(parameter: LanParameter, answer: Uint8Array): string | undefined {
  if (answer.length === 0) throw new DecodeError('IPMI answer', 'it has no completion code')
  if (answer[0] !== success) return undefined
  const value = answer.subarray(2)
  const neededBytes = { address: 4, source: 1, mac: 6 }[parameter]
  if (value.length < neededBytes) {
    throw new DecodeError('IPMI answer', `${neededBytes} bytes of ${parameter} needed, ${value.length} there`, 2)
  }
  if (parameter === 'source') return sources[value[0]! & 0x0f]
  const bytes = value.subarray(0, neededBytes)
  if (bytes.every((byte) => byte === 0)) return undefined
  return parameter === 'mac' ? macFromBytes(bytes) : bytes.join('.')
}

/** IPMI 2.0 §20.1, Get Device ID: completion code, then the firmware's major number in seven bits and the minor in BCD. */
export function decodeBmcFirmware(answer: Uint8Array): Bmc['firmware'] {
  if (answer.length < 5 || answer[0] !== success) return undefined
  return `${answer[3]! & 0x7f}.${answer[4]!.toString(16).padStart(2, '0')}`
}
