import { test } from 'node:test'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { renderOtherSystems } from './other-systems.ts'

const place = { startBytes: 0, sizeBytes: 0, type: '' }
const other = { ...place, number: 5, signature: { type: 'ext4', label: "Bob's $x; reboot", uuid: 'aaaa-bbbb' } }

test('renderOtherSystems() has nothing for partitions without a Linux filesystem', (t) => {
  t.assert.equal(renderOtherSystems([]), undefined)
  t.assert.equal(renderOtherSystems([{ ...place, number: 1, signature: { type: 'ntfs', uuid: 'x' } }]), undefined)
})

test('renderOtherSystems() is GRUB script, whatever a label says', async (t) => {
  const script = renderOtherSystems([other])!
  t.assert.match(script, /menuentry 'System on partition 5 \(Bob'\\''s \$x; reboot\)' \{/)
  try {
    await runProgram('grub-script-check', [], { input: script })
  } catch (error) {
    if (error instanceof ProgramFailed && /is not on this machine/.test(error.message)) {
      if (process.env.REQUIRE_INTEROP === '1') throw error
      return t.skip('needs grub-script-check (Debian: grub-common)')
    }
    throw error
  }
})
