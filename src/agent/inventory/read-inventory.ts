import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Inventory } from '../../core/inventory.ts'
import { oneLine } from '../../core/one-line.ts'
import { armProcessor } from './arm-processors.ts'
import { readAttribute, readAttributeBytes } from './attribute.ts'
import { readDisks } from './read-disks.ts'
import { type BootInterface, readInterfaces } from './read-interfaces.ts'

/** UEFI variable of the global namespace: four bytes of attributes, then 1 when Secure Boot is enforced. */
const secureBootVariable = 'firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c'

export type InventorySources = { sysRoot: string; procRoot: string; architecture: string; boot: BootInterface }

/** What the kernel knows of the machine. Never fails for a missing fact; strings are safe to print. */
export function readInventory({ sysRoot, procRoot, architecture, boot }: InventorySources): Inventory {
  const inventory: Inventory = {
    firmware: existsSync(join(sysRoot, 'firmware/efi')) ? 'uefi' : 'bios',
    architecture,
    smbios: readSmbios(join(sysRoot, 'class/dmi/id')),
    cpu: parseCpuInfo(readFileSync(join(procRoot, 'cpuinfo'), 'utf8')),
    memoryBytes: parseMemoryTotal(readFileSync(join(procRoot, 'meminfo'), 'utf8')),
    disks: readDisks(sysRoot),
    interfaces: readInterfaces(sysRoot, boot),
    drivers: readDrivers(join(procRoot, 'modules')),
  }
  const secureBoot = readAttributeBytes(join(sysRoot, secureBootVariable))?.[4]
  if (secureBoot !== undefined) inventory.secureBoot = secureBoot === 1
  return inventory
}

/** The first word of each line is a module's name, with underscores. */
function readDrivers(modulesFile: string): string[] {
  if (!existsSync(modulesFile)) return []
  const lines = readFileSync(modulesFile, 'utf8').split('\n')
  return lines
    .flatMap((line) => line.split(' ', 1))
    .filter(Boolean)
    .sort()
}

function readSmbios(directory: string): Inventory['smbios'] {
  const files = {
    uuid: 'product_uuid',
    manufacturer: 'sys_vendor',
    product: 'product_name',
    serial: 'product_serial',
    biosVersion: 'bios_version',
    biosDate: 'bios_date',
  } as const
  const smbios: Inventory['smbios'] = {}
  for (const [field, file] of Object.entries(files) as [keyof typeof files, string][]) {
    const text = readAttribute(join(directory, file))
    if (text !== undefined) smbios[field] = field === 'uuid' ? text.toLowerCase() : text
  }
  return smbios
}

/** x86 names its model; arm64 says only numbers. */
function parseCpuInfo(text: string): Inventory['cpu'] {
  const model = /^model name\s*:\s*(.+)$/m.exec(text)?.[1]
  const count = text.match(/^processor\s*:/gm)?.length ?? 1
  return { model: oneLine((model ?? armProcessor(text) ?? 'unknown').replace(/\s+/g, ' ')), count }
}

function parseMemoryTotal(text: string): number {
  return Number(/^MemTotal:\s*(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024
}
