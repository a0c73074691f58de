import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { moduleNames, neededDrivers, readModaliases } from './disk-drivers.ts'

/** Lines of a Debian 12 kernel's modules.alias. */
const aliases = `# Aliases extracted from modules themselves.
alias fs-ext4 ext4
alias pci:v*d*sv*sd*bc01sc06i01* ahci
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
alias pci:v*d*sv*sd*bc06sc04i* shpchp
alias scsi:t-0x00* sd_mod
alias virtio:d00000002v* virtio_blk
alias virtio:d00000008v* virtio_scsi
alias block-major-11-* sr_mod
`

test('readModaliases() gives those of the disk and its controllers, without PCI bridges', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sys-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const place = 'devices/pci0000:00/0000:00:01.0/0000:01:00.0/host0/target0:0:0/0:0:0:0/block/sda'
  mkdirSync(join(directory, place), { recursive: true })
  mkdirSync(join(directory, 'class/block'), { recursive: true })
  symlinkSync(`../../${place}`, join(directory, 'class/block/sda'))
  const at = (path: string, modalias: string) => writeFileSync(join(directory, path, 'modalias'), `${modalias}\n`)
  at('devices/pci0000:00/0000:00:01.0', 'pci:v00008086d00001901sv0000sd0000bc06sc04i00')
  at('devices/pci0000:00/0000:00:01.0/0000:01:00.0', 'pci:v00008086d00002922sv0000sd0000bc01sc06i01')
  at('devices/pci0000:00/0000:00:01.0/0000:01:00.0/host0/target0:0:0/0:0:0:0', 'scsi:t-0x00')
  t.assert.deepEqual(readModaliases('/dev/sda', directory), [
    'scsi:t-0x00',
    'pci:v00008086d00002922sv0000sd0000bc01sc06i01',
  ])
})

test('neededDrivers() finds the modules of each device, and none for what is built in or unknown', (t) => {
  const modaliases = ['virtio:d00000008v00001AF4', 'pci:v00001AF4d00001004sv00001AF4sd00000008bc01sc00i00', 'fs-ext4']
  const builtin = 'kernel/fs/ext4/ext4.ko\n'
  t.assert.deepEqual(neededDrivers([...modaliases, 'mmc:block'], { aliases, builtin }), [
    { what: 'virtio:d00000008v00001AF4', modules: ['virtio_scsi'] },
    { what: 'pci:v00001AF4d00001004sv00001AF4sd00000008bc01sc00i00', modules: ['virtio_pci'] },
  ])
})

test('moduleNames() reads lists of initramfs-tools and dracut, compressed or not', (t) => {
  const list = `usr/lib/modules/6.1.0/kernel/drivers/scsi/sd_mod.ko
-rw-r--r-- 1 root root 9000 Jan  1  1970 usr/lib/modules/6.1.0/kernel/drivers/virtio/virtio-pci.ko.xz
usr/lib/modules/6.1.0/modules.dep
`
  t.assert.deepEqual([...moduleNames(list)], ['sd_mod', 'virtio_pci'])
})
