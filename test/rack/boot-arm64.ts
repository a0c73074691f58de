import assert from 'node:assert/strict'
import { bootToOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Inventory } from '../../src/core/inventory.ts'

/** Firmware, GRUB's HTTP and the unpacking of 90 MB are emulated. */
const bootTimeoutMs = 12 * 60_000

export const rackCase: RackCase = {
  name: 'boot-arm64',
  describe: 'an arm64 machine gets GRUB by its UEFI firmware’s PXE, and runs the agent made for it, with its order',
  set: 'long',
  architecture: 'arm64',
  serveOptions: ['--architecture', 'arm64'],
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'arm-1', architecture: 'arm64', firmware: 'uefi', memoryMiB: 1024 })
  const figures = await bootToOrder(site, machine, bootTimeoutMs)
  const firstOf = (kind: string) => site.timeline.events.find((event) => event.kind === kind)?.message
  assert.match(firstOf('dhcp') ?? '', /grub\/core-arm64\.efi/)
  assert.equal(firstOf('script'), 'GRUB fetched its script: the agent, intent deploy')
  const path = `/api/v1/machines/${machine.spec.name}`
  const { inventory } = await site.client.request<{ inventory: Inventory }>('GET', path)
  assert.deepEqual([inventory.architecture, inventory.firmware], ['arm64', 'uefi'])
  assert.deepEqual(inventory.cpu, { model: 'ARM Cortex-A57', count: 2 })
  assert.equal(inventory.smbios.uuid?.toLowerCase(), machine.spec.uuid)
  assert.equal(inventory.disks[0]?.serial, machine.spec.disks[0]?.serial)
  return figures
}
