import { test } from 'node:test'
import { describeBootOrder, orderAfterDeployment, parseBootVariables } from './boot-order.ts'

/** efibootmgr 17 in an OVMF machine that booted from the network. */
const output = `BootCurrent: 0003
Timeout: 0 seconds
BootOrder: 0003,0000,0001,0002
Boot0000* UiApp\tFvVol(7cb8bdc9)/FvFile(462caa21)
Boot0001* UEFI Misc Device\tPciRoot(0x0)/Pci(0x3,0x0)
Boot0002* Bootwright disk\tHD(2,GPT,8e3c,0x1000,0x32000)/File(\\EFI\\debian\\grubx64.efi)
Boot0003  UEFI PXEv4 (MAC:525400123456)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(525400123456,1)/IPv4(0.0.0.0,0,0)
`

test('parseBootVariables() reads efibootmgr’s output', (t) => {
  const variables = parseBootVariables(output)
  t.assert.equal(variables.current, '0003')
  t.assert.deepEqual(variables.order, ['0003', '0000', '0001', '0002'])
  const path = 'HD(2,GPT,8e3c,0x1000,0x32000)/File(\\EFI\\debian\\grubx64.efi)'
  t.assert.deepEqual(variables.entries[2], { number: '0002', label: 'Bootwright disk', path })
  t.assert.equal(variables.entries.length, 4)
})

test('orderAfterDeployment() keeps the network first and puts the disk behind it', (t) => {
  t.assert.deepEqual(orderAfterDeployment(parseBootVariables(output), '0004'), ['0003', '0004', '0000', '0001', '0002'])
})

test('orderAfterDeployment() moves the network to the front when the firmware had it elsewhere', (t) => {
  const variables = { current: '0003', order: ['0001', '0003', '0002'], entries: [] }
  t.assert.deepEqual(orderAfterDeployment(variables, '0002'), ['0003', '0002', '0001'])
})

test('orderAfterDeployment() keeps the first entry where the firmware does not say what it booted', (t) => {
  t.assert.deepEqual(orderAfterDeployment({ current: undefined, order: ['0001', '0002'], entries: [] }, '0005'), [
    '0001',
    '0005',
    '0002',
  ])
})

test('describeBootOrder() says what the firmware has instead of what was set', (t) => {
  const wanted = ['0003', '0004', '0000']
  const kept = (order: string[]) => ({ current: '0003', order, entries: [] })
  t.assert.deepEqual(describeBootOrder(kept(wanted), wanted), {
    detail: 'boot order 0003 0004 0000',
    bootOrder: wanted,
  })
  const { detail, notice } = describeBootOrder(kept(['0000', '0003']), wanted)
  t.assert.equal(detail, 'boot order 0003 0004 0000, not kept')
  t.assert.match(notice!, /^the firmware did not keep the boot order 0003 0004 0000: it has 0000 0003; /)
})
