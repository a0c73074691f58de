import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Check } from 'typebox/value'
import { parseMac } from '../../bytes/mac.ts'
import { Inventory } from '../../core/inventory.ts'
import { describeInventory } from './describe-inventory.ts'
import { readInventory } from './read-inventory.ts'

const fixtures = new URL('../../../test/fixtures/sysfs/', import.meta.url)

function read(machine: string, mac?: string) {
  const root = new URL(`${machine}/`, fixtures).pathname
  const bootMac = mac === undefined ? undefined : parseMac(mac)
  return readInventory({
    sysRoot: `${root}sys`,
    procRoot: `${root}proc`,
    architecture: 'x64',
    boot: { mac: bootMac, name: 'eth0' },
  })
}

test('readInventory() reads the virtual rack’s BIOS machine', (t) => {
  const inventory = read('qemu')
  t.assert.equal(inventory.firmware, 'bios')
  t.assert.equal(inventory.smbios.uuid, '5a1b2c3d-0001-4000-8000-525400123456')
  t.assert.deepEqual(inventory.cpu, { model: 'QEMU TCG CPU version 2.5+', count: 2 })
  t.assert.deepEqual(inventory.disks, [
    {
      device: '/dev/vda',
      bus: 'virtio',
      serial: 'ROOT',
      sizeBytes: 4 * 2 ** 30,
      logicalSectorBytes: 512,
      physicalSectorBytes: 512,
      rotational: true,
      removable: false,
      readOnly: false,
    },
  ])
  t.assert.deepEqual(inventory.interfaces, [
    { name: 'eth0', mac: '52:54:00:12:34:56', driver: 'virtio_net', linkUp: true, bootedFrom: true },
  ])
})

test('readInventory() tells the buses, serials and WWNs of a server’s disks', (t) => {
  const facts = read('server').disks.map((disk) => [disk.device, disk.bus, disk.model, disk.serial, disk.wwn])
  t.assert.deepEqual(facts, [
    ['/dev/mmcblk0', 'mmc', 'DF4032', '0x1f2e3d4c', undefined],
    ['/dev/mmcblk0boot0', 'mmc', undefined, undefined, undefined],
    ['/dev/nvme0n1', 'nvme', 'SAMSUNG MZQL2960HCJR-00A07', 'S64FNE0R123456', 'eui.36344630521234560025384500000001'],
    ['/dev/sda', 'sata', 'ST2000NX0253', 'W460ABCD', '0x5000c500a1b2c3d4'],
    ['/dev/sdb', 'sas', 'ST600MM0069', 'WAF1XYZ2', '0x5000c50098765432'],
    ['/dev/sdd', 'usb', 'Cruzer ]0;x Blade', undefined, undefined],
    ['/dev/sdg', 'fc', 'VRAID', 'CKM001', '0x60060160a1b2c3d4'],
    ['/dev/sdh', 'usb', 'Virtual HDisk0', undefined, undefined],
    ['/dev/sdi', 'iscsi', 'root-disk', undefined, '0x6001405abcdef'],
  ])
})

test('readInventory() collapses paths to one disk, by the first that is up, and tells all of them', (t) => {
  const paths = read('server').disks.flatMap((disk) => (disk.paths ? [[disk.device, disk.paths]] : []))
  t.assert.deepEqual(paths, [
    ['/dev/sdb', ['/dev/sdb', '/dev/sdc']],
    ['/dev/sdg', ['/dev/sdf', '/dev/sdg']],
  ])
})

test('readInventory() marks LUNs, BMC media and eMMC boot areas', (t) => {
  const special = read('server').disks.flatMap((disk) => (disk.special ? [[disk.device, disk.special]] : []))
  t.assert.deepEqual(special, [
    ['/dev/mmcblk0boot0', 'boot-area'],
    ['/dev/sdg', 'lun'],
    ['/dev/sdh', 'virtual-media'],
    ['/dev/sdi', 'lun'],
  ])
})

test('readInventory() knows 4096-byte sectors, removable disks and Secure Boot', (t) => {
  const inventory = read('server')
  const nvme = inventory.disks.find((disk) => disk.bus === 'nvme')
  t.assert.equal(nvme?.logicalSectorBytes, 4096)
  t.assert.equal(nvme?.sizeBytes, 1875385008 * 512)
  t.assert.equal(inventory.disks.find((disk) => disk.bus === 'usb')?.removable, true)
  t.assert.equal(inventory.secureBoot, true)
})

test('readInventory() finds the boot interface by MAC and leaves out bonds', (t) => {
  const interfaces = read('server', 'b0:7b:25:aa:00:02').interfaces
  t.assert.deepEqual(
    interfaces.map((found) => [found.name, found.driver, found.bootedFrom, found.speedMbps]),
    [
      ['eth0', 'tg3', false, 1000],
      ['eth1', 'mlx5_core', true, undefined],
    ],
  )
})

test('readInventory() does without SMBIOS, disks and cards', (t) => {
  const inventory = read('bare')
  t.assert.equal(Check(Inventory, inventory), true)
  t.assert.deepEqual(inventory.smbios, {})
  t.assert.deepEqual(inventory.disks, [])
})

test('readInventory() gives what the protocol’s schema accepts', (t) => {
  for (const machine of ['qemu', 'server', 'bare']) t.assert.equal(Check(Inventory, read(machine)), true, machine)
})

test('describeInventory() shows a server without its escape sequences', (t) => {
  const text = `${describeInventory(read('server')).join('\n')}\n`
  t.assert.equal(text, readFileSync(new URL('../../../test/fixtures/sysfs/server.txt', import.meta.url), 'utf8'))
})
