import type { Mac } from '../bytes/mac.ts'
import type { Inventory } from '../core/inventory.ts'
import { type Machine, noGroup } from '../core/machine.ts'
import { ownMacs } from '../core/machine-identity.ts'
import type { Newcomer } from '../core/newcomer.ts'
import type { BootPlane } from './boot-plane.ts'

/** What is known of a machine that nobody has approved, when one of its cards asks. */
export function newcomerOf(mac: Mac, machine: Machine | undefined, address: string, inventory?: Inventory): Newcomer {
  const isGrouped = machine !== undefined && machine.group !== noGroup
  return {
    ...{ address, macs: inventory ? ownMacs(inventory) : [mac] },
    ...(inventory && { smbios: inventory.smbios }),
    ...(isGrouped && { group: machine.group }),
  }
}

/** Whether the site has nothing for it. */
export function isIgnored(
  { newcomersOf }: Pick<BootPlane, 'newcomersOf'>,
  mac: Mac,
  machine: Machine | undefined,
  address: string,
): boolean {
  return !machine?.approved && newcomersOf(newcomerOf(mac, machine, address)).unknown === 'ignore'
}
