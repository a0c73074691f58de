import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Inventory } from '../../core/inventory.ts'
import { powerOffMachine, rebootMachine } from '../hand-over.ts'
import { readDiskContents } from '../inventory/read-partition-table.ts'
import { say } from '../say.ts'
import type { MenuMachine } from './console-menu.ts'
import { runConsoleShell } from './console-shell.ts'

/** Written by /init, which has tried them; not there where the machine has none. */
const consolesFile = '/run/bootwright/consoles'
const kernelLevels = '/proc/sys/kernel/printk'

/** The machine that the agent runs on. */
export function menuMachine(server: string, inventory: Inventory): MenuMachine {
  const usualLevels = readFileSync(kernelLevels, 'utf8')
  return {
    consoles: existsSync(consolesFile) ? readFileSync(consolesFile, 'utf8').split(/\s+/).filter(Boolean) : [],
    server,
    inventory,
    readInventory: async () => ({ ...inventory, disks: await readDiskContents(inventory.disks, say) }),
    // Level 1: what the kernel says only when nothing works any more.
    quietKernel: (isQuiet) => writeFileSync(kernelLevels, isQuiet ? '1' : usualLevels),
    shell: runConsoleShell,
    reboot: rebootMachine,
    powerOff: powerOffMachine,
  }
}
