import type { Mac } from '../bytes/mac.ts'
import type { Inventory } from './inventory.ts'
import type { Labels } from './labels.ts'
import { isJunkUuid, ownMacs } from './machine-identity.ts'

/** A machine that is to come, as a delivery note names it: it is approved when an agent reports just this. */
export type ExpectedMachine = {
  id: string
  /** Made by the site's rules for newcomers where not given. */
  name?: string
  /** Each that is given must be what the machine reports; at least one is. */
  serial?: string
  uuid?: string
  mac?: Mac
  group?: string
  labels?: Labels
  address?: string
}

/** What boards are sold with when nobody wrote their serial number. */
const junkSerials: ReadonlySet<string> = new Set([
  ...['', 'none', 'n/a', 'na', 'unknown', 'default string', 'not specified', 'not applicable', 'not available'],
  ...[
    'to be filled by o.e.m.',
    'to be filled by o.e.m',
    'system serial number',
    'chassis serial number',
    'oem',
    'o.e.m.',
  ],
  ...['0', '00000000', '0123456789', '123456789', '1234567890', 'invalid', 'empty', 'serial'],
])

export function isJunkSerial(serial: string): boolean {
  return junkSerials.has(serial.trim().toLowerCase()) || /^[0x.\s-]*$/i.test(serial)
}

/** Why nobody can be recognized by it; undefined where it is well. */
export function problemOfExpected({ serial, uuid, mac }: Pick<ExpectedMachine, 'serial' | 'uuid' | 'mac'>) {
  if (serial === undefined && uuid === undefined && mac === undefined) {
    return 'it needs a serial number, a UUID or a MAC address to be recognized by'
  }
  if (serial !== undefined && isJunkSerial(serial))
    return `the serial number "${serial}" is what boards have that got none`
  if (uuid !== undefined && isJunkUuid(uuid.toLowerCase())) return `the UUID ${uuid} is what boards have that got none`
  return undefined
}

/** Serial numbers are compared as people write them: whatever their case, and without spaces at the ends. */
export function isExpected(expected: ExpectedMachine, inventory: Inventory): boolean {
  const { serial, uuid } = inventory.smbios
  return (
    (expected.serial === undefined || (serial !== undefined && sameSerial(expected.serial, serial))) &&
    (expected.uuid === undefined || (uuid !== undefined && uuid.toLowerCase() === expected.uuid)) &&
    (expected.mac === undefined || ownMacs(inventory).includes(expected.mac))
  )
}

export function describeExpected({ name, serial, uuid, mac }: ExpectedMachine): string {
  const by = [serial && `serial ${serial}`, uuid && `UUID ${uuid}`, mac && `MAC ${mac}`].filter(Boolean).join(', ')
  return name === undefined ? by : `${name} (${by})`
}

function sameSerial(one: string, two: string): boolean {
  return one.trim().toLowerCase() === two.trim().toLowerCase()
}
