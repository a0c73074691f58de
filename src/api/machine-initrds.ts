import type { IntentKind } from '../core/intent.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import type { BootPlane, BootRamdisk } from './boot-plane.ts'

/** What people and scripts use is for those intents alone. */
const rescueIntents: readonly IntentKind[] = ['rescue', 'run']

/** A machine nobody has looked into yet gets the firmware too: its network card may not work without. */
export async function initrdsFor(
  plane: BootPlane,
  { initrds, rescue, firmware }: BootRamdisk,
  machine: Machine | undefined,
  intent: IntentKind,
): Promise<string[]> {
  const files = [...initrds, ...(rescue && rescueIntents.includes(intent) ? [rescue.file] : [])]
  if (!firmware) return files
  const inventory = machine && ((await plane.machines.inventory(machine.id)) as Inventory | undefined)
  const isNeeded = inventory === undefined || firmware.drivers.some((driver) => inventory.drivers.includes(driver))
  return isNeeded ? [...files, firmware.file] : files
}
