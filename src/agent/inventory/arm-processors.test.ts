import { test } from 'node:test'
import { armProcessor } from './arm-processors.ts'

const cpuInfo = (maker: string, part: string) =>
  `processor\t: 0\nBogoMIPS\t: 125.00\nCPU implementer\t: ${maker}\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: ${part}\n`

test('armProcessor() names a processor by its numbers, and gives the numbers of one that is not known', (t) => {
  t.assert.equal(armProcessor(cpuInfo('0x41', '0xd07')), 'ARM Cortex-A57')
  t.assert.equal(armProcessor(cpuInfo('0x99', '0x123')), 'maker 0x99, part 0x123')
  t.assert.equal(armProcessor('processor\t: 0\nmodel name\t: x86\n'), undefined)
})
