import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ataDrive } from './ata-drive.fixture.ts'
import { secureErase } from './erase-ata.ts'
import { DeviceDidNotErase } from './erase-context.ts'
import { readFacts } from './read-facts.ts'

const context = { signal: new AbortController().signal, onShare: () => {} }

test('secureErase() sets the password, erases, and leaves none', async (t) => {
  const { hasPassword, calls } = ataDrive(t)
  assert.match(await secureErase('/dev/sdz', true, context), /SECURITY_ERASE/)
  assert.equal(hasPassword(), false)
  assert.match(calls(), /--security-set-pass bootwright \/dev\/sdz\n.*--security-erase-enhanced bootwright \/dev\/sdz/)
})

test('secureErase() that the drive refuses takes the password off again, and is no success', async (t) => {
  const { hasPassword } = ataDrive(t, { broken: '--security-erase\n' })
  await assert.rejects(secureErase('/dev/sdz', false, context), (error) => {
    assert.ok(error instanceof DeviceDidNotErase)
    assert.match(error.message, /bad\/missing sense data/)
    assert.doesNotMatch(error.message, /LEFT/)
    return true
  })
  assert.equal(hasPassword(), false)
})

test('secureErase() says of a drive that stays locked that it does, and what unlocks it', async (t) => {
  ataDrive(t, { broken: '--security-erase\n--security-unlock\n' })
  await assert.rejects(
    secureErase('/dev/sdz', false, context),
    /THE DRIVE IS LEFT WITH A PASSWORD \(user password "bootwright"\).*hdparm --user-master u --security-disable bootwright \/dev\/sdz/,
  )
})

test('secureErase() unlocks what a secure erase that was cut off has left', async (t) => {
  const { hasPassword, calls } = ataDrive(t, { password: 'bootwright', locked: true })
  await secureErase('/dev/sdz', false, context)
  assert.match(calls(), /--security-unlock bootwright.*\n(.*\n)*.*--security-erase bootwright/)
  assert.equal(hasPassword(), false)
})

test("secureErase() refuses a drive with somebody else's password", async (t) => {
  const { hasPassword } = ataDrive(t, { password: 'theirs', locked: true })
  await assert.rejects(secureErase('/dev/sdz', false, context), /has a password that is not Bootwright's/)
  assert.equal(hasPassword(), true)
})

const disk = {
  ...{ device: '/dev/sdz', bus: 'sata', sizeBytes: 1e9, logicalSectorBytes: 512, physicalSectorBytes: 512 },
  ...{ rotational: true, removable: false, readOnly: false },
}

test('readFacts() unlocks what a secure erase that was cut off has locked: nothing could be read from it', async (t) => {
  const { hasPassword } = ataDrive(t, { password: 'bootwright', locked: true })
  const facts = await readFacts(disk, [disk.device], context.signal)
  assert.ok(facts.kind === 'ata' && !facts.abilities.security.locked && !facts.abilities.security.enabled)
  assert.equal(hasPassword(), false)
})

test("readFacts() refuses a drive that somebody else has locked, not one that has somebody else's password and is open", async (t) => {
  ataDrive(t, { password: 'theirs', locked: true })
  await assert.rejects(readFacts(disk, [disk.device], context.signal), /a password that is not Bootwright's: unlock it/)
  ataDrive(t, { password: 'theirs' })
  const facts = await readFacts(disk, [disk.device], context.signal)
  assert.ok(facts.kind === 'ata' && facts.abilities.security.enabled)
})
