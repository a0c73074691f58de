import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { DryRun } from '../core/dry-run.ts'
import type { Inventory } from '../core/inventory.ts'
import { service } from './management.fixture.ts'

const gib = 2 ** 30

const inventory: Inventory = {
  firmware: 'bios',
  architecture: 'x64',
  smbios: {},
  cpu: { model: 'QEMU', count: 1 },
  memoryBytes: gib,
  disks: [
    {
      device: '/dev/vda',
      bus: 'virtio',
      serial: 'ROOT',
      sizeBytes: 4 * gib,
      logicalSectorBytes: 512,
      physicalSectorBytes: 512,
      rotational: false,
      removable: false,
      readOnly: false,
      signature: { type: 'LVM2_member' },
    },
  ],
  interfaces: [],
  drivers: [],
}

test('POST /layouts/plan draws before and after, and refuses in words, from the last inventory', async (t) => {
  const { client, machines, deployments } = await service(t)
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const plan = (body: object) => client.request<DryRun>('POST', '/api/v1/layouts/plan', { machine: 'rack-1', ...body })
  await assert.rejects(plan({}), /rack-1 has no inventory yet/)
  await machines.recordInventory(machine.id, inventory, true)
  assert.deepEqual(await plan({ filesystem: 'xfs' }), {
    disk: '/dev/vda [virtio, serial ROOT, 4.3 GB]',
    before: ['LVM2_member on the whole disk'],
    after: ['  1     1 MiB  new: bios-boot', '  2   100 MiB  new: esp, vfat', '  3  3993 MiB  new: root, xfs, at /'],
  })
  assert.match((await plan({ layout: 'reformat' })).refusal ?? '', /no partition table but LVM2_member/)
  assert.match((await plan({ disk: { serial: 'GONE' } })).refusal ?? '', /no disk matches/)
  await assert.rejects(plan({ layout: 'gone' }), /There is no layout "gone"/)
  const noRoot = { name: 'own', table: 'new', partitions: [{ role: 'esp' }] }
  await assert.rejects(plan({ layout: noRoot }), /Cannot use the layout own: partitions: there is no root partition/)
  await assert.rejects(plan({ layout: 'receive', rendition: 'tree' }), /only the rendition btrfs is received, not tree/)
  await assert.rejects(plan({ redeploy: true }), /Nothing that was deployed to this machine is known/)
  assert.deepEqual(await deployments.list(), [], 'nothing was queued')
})
