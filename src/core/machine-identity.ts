import { type Mac, parseMac } from '../bytes/mac.ts'
import type { Inventory } from './inventory.ts'

/**
 * Why nothing is written to a machine until a person has looked. `uuid`: another machine has its SMBIOS UUID and none of its
 * network cards. `cards`: one computer has network cards of both machines.
 */
export type MachineConflict = { kind: 'uuid' | 'cards'; machine: string }

/** What boards are sold with when nobody gave them a UUID; such a one says nothing about who a machine is. */
const junkUuids: ReadonlySet<string> = new Set([
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '03000200-0400-0500-0006-000700080009',
  '02000300-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '12345678-1234-5678-1234-567812345678',
  '11111111-2222-3333-4444-555555555555',
])

export function isJunkUuid(uuid: string): boolean {
  return junkUuids.has(uuid)
}

/** Adapters move from machine to machine, and a BMC's own (a USB device too) has the same address in every machine. */
const usbDrivers: ReadonlySet<string> = new Set([
  ...['cdc_ether', 'cdc_ncm', 'cdc_eem', 'cdc_mbim', 'cdc_subset', 'rndis_host', 'asix', 'ax88179_178a', 'dm9601'],
  ...['r8152', 'smsc75xx', 'smsc95xx', 'lan78xx', 'mcs7830', 'pegasus', 'rtl8150', 'sr9700', 'sr9800', 'aqc111'],
])

/** More than that is no computer but a claim. */
const mostMacs = 64

/** The addresses that are the computer's own: of its built-in cards, and of the one it was booted from. */
export function ownMacs({ interfaces }: Inventory): Mac[] {
  const own = interfaces.filter(({ driver, bootedFrom }) => bootedFrom || !usbDrivers.has(driver ?? ''))
  return [...new Set(own.map(({ mac }) => parseMac(mac)))].slice(0, mostMacs)
}

/** What is wrong and what a person does about it. */
export function describeConflict(name: string, { kind, machine }: MachineConflict): string {
  if (kind === 'cards') {
    return `one computer has network cards of both ${name} and ${machine}: 'bootwright machine remove' the one that is too much, then boot it again`
  }
  return `it has the SMBIOS UUID of ${machine} and none of its network cards. Two computers: 'bootwright machine set ${name} --shared-uuid'. One, with other cards: 'bootwright machine remove ${machine}'`
}
