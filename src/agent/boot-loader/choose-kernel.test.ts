import { test } from 'node:test'
import { chooseKernel, compareVersions } from './choose-kernel.ts'

test('chooseKernel() takes the newest by number, with its initramfs', (t) => {
  t.assert.deepEqual(
    chooseKernel([
      'config-6.1.0-40-cloud-amd64',
      'initrd.img-6.1.0-9-cloud-amd64',
      'initrd.img-6.1.0-40-cloud-amd64',
      'vmlinuz-6.1.0-9-cloud-amd64',
      'vmlinuz-6.1.0-40-cloud-amd64',
    ]),
    {
      version: '6.1.0-40-cloud-amd64',
      kernel: 'vmlinuz-6.1.0-40-cloud-amd64',
      initrd: 'initrd.img-6.1.0-40-cloud-amd64',
    },
  )
})

test('chooseKernel() knows Fedora’s names and passes over rescue kernels and left-overs', (t) => {
  t.assert.deepEqual(
    chooseKernel([
      'initramfs-6.8.5-301.fc40.x86_64.img',
      'vmlinuz-0-rescue-9f3c',
      'vmlinuz-6.8.5-301.fc40.x86_64',
      'vmlinuz-9.9.9.dpkg-new',
    ]),
    {
      version: '6.8.5-301.fc40.x86_64',
      kernel: 'vmlinuz-6.8.5-301.fc40.x86_64',
      initrd: 'initramfs-6.8.5-301.fc40.x86_64.img',
    },
  )
})

test('chooseKernel() gives a kernel without initramfs, and undefined without a kernel', (t) => {
  t.assert.deepEqual(chooseKernel(['vmlinuz-6.6.1']), { version: '6.6.1', kernel: 'vmlinuz-6.6.1', initrd: undefined })
  t.assert.equal(chooseKernel(['System.map-6.6.1', 'grub']), undefined)
})

test('compareVersions() orders numbers by value and release candidates first', (t) => {
  const ordered = ['5.10.0-9', '5.10.0-10', '6.9~rc1', '6.9-rc2', '6.9', '6.9.1', '6.10']
  t.assert.deepEqual(ordered.toReversed().sort(compareVersions), ordered)
})
