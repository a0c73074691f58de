import { describeDisk } from '../../core/disk-rule.ts'
import type { Inventory, NetworkInterface } from '../../core/inventory.ts'

/** The inventory for a person in front of the console, one line a thing. */
export function describeInventory(inventory: Inventory): string[] {
  const { smbios, cpu } = inventory
  const maker = [smbios.manufacturer, smbios.product].filter(Boolean).join(' ') || 'unknown maker'
  const secureBoot = inventory.secureBoot ? ' with Secure Boot' : ''
  return [
    `machine  ${maker}, serial ${smbios.serial ?? 'not given'}, UUID ${smbios.uuid ?? 'not given'}`,
    `firmware ${inventory.firmware.toUpperCase()}${secureBoot}, ${smbios.biosVersion ?? 'version not given'}${smbios.biosDate === undefined ? '' : ` of ${smbios.biosDate}`}`,
    `cpu      ${cpu.count} × ${cpu.model} (${inventory.architecture})`,
    `memory   ${(inventory.memoryBytes / 2 ** 20).toFixed(0)} MiB`,
    ...inventory.disks.map((disk) => `disk     ${describeDisk(disk)}`),
    ...(inventory.disks.length === 0 ? ['disk     none found: is a driver missing?'] : []),
    ...inventory.interfaces.map((found) => `network  ${describeInterface(found)}`),
  ]
}

function describeInterface(found: NetworkInterface): string {
  const link = found.linkUp ? `link up${found.speedMbps === undefined ? '' : ` ${found.speedMbps} Mb/s`}` : 'no link'
  return `${found.name} ${found.mac} ${found.driver ?? 'driver unknown'}, ${link}${found.bootedFrom ? ', booted from' : ''}`
}
