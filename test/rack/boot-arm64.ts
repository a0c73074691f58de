import assert from 'node:assert/strict'
import { bootByLoader } from '../../src/cli/rack/boot-by-loader.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Inventory } from '../../src/core/inventory.ts'

export const rackCase: RackCase = {
  name: 'boot-arm64',
  describe: 'an arm64 machine gets GRUB by its UEFI firmware’s PXE, runs the agent made for it, and then its own disk',
  set: 'long',
  architecture: 'arm64',
  serveOptions: ['--architecture', 'arm64'],
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const boots = { architecture: 'arm64', firmware: 'uefi', memoryMiB: 1024 } as const
  const figures = await bootByLoader(site, { ...boots, loader: 'GRUB', bootFile: 'grub/core-arm64.efi' })
  const { spec } = site.rack.machines[0]!
  const path = `/api/v1/machines/${spec.name}`
  const { inventory } = await site.client.request<{ inventory: Inventory }>('GET', path)
  assert.deepEqual([inventory.architecture, inventory.firmware], ['arm64', 'uefi'])
  assert.deepEqual(inventory.cpu, { model: 'ARM Cortex-A57', count: 2 })
  assert.equal(inventory.smbios.uuid?.toLowerCase(), spec.uuid)
  assert.equal(inventory.disks[0]?.serial, 'BOOTS')
  return figures
}
