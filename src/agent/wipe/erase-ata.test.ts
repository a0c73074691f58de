import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { secureErase } from './erase-ata.ts'
import { DeviceDidNotErase } from './erase-context.ts'
import { identityText, securityText } from './hdparm-output.fixture.ts'
import { standInProgram } from './stand-in-program.fixture.ts'

const context = { signal: new AbortController().signal, onShare: () => {} }

/**
 * hdparm on a drive with a password in the file `password`. The file `broken` has the options that the drive refuses; a refused
 * erase leaves it locked.
 */
function drive(t: TestContext, { password = '', broken = '', locked = false } = {}) {
  const directory = standInProgram(
    t,
    'hdparm',
    `echo "$*" >> calls
while [ $# -gt 0 ]; do case $1 in
  -I) if [ -e password ] && [ -e locked ]; then cat identity-locked; elif [ -e password ]; then cat identity-enabled; else cat identity; fi; exit 0 ;;
  --security-*) option=$1 given=$2 ;;
esac; shift; done
if grep -qx -e "$option" broken; then [ "$option" = --security-set-pass ] || touch locked; echo "SG_IO: bad/missing sense data" >&2; exit 5; fi
case $option in
  --security-set-pass) echo "$given" > password; exit 0 ;;
esac
[ "$given" = "$(cat password)" ] || { echo "SG_IO: bad/missing sense data" >&2; exit 5; }
case $option in
  --security-unlock) rm -f locked ;;
  --security-disable | --security-erase*) rm -f password locked; echo " Issuing SECURITY_ERASE command" ;;
esac
`,
  )
  const keep = (name: string, text: string) => writeFileSync(join(directory, name), text)
  keep('identity', identityText(securityText({})))
  keep('identity-enabled', identityText(securityText({ enabled: true })))
  keep('identity-locked', identityText(securityText({ enabled: true, locked: true })))
  keep('broken', broken)
  if (password !== '') keep('password', `${password}\n`)
  if (locked) keep('locked', '')
  return {
    hasPassword: () => existsSync(join(directory, 'password')),
    calls: () => readFileSync(join(directory, 'calls'), 'utf8'),
  }
}

test('secureErase() sets the password, erases, and leaves none', async (t) => {
  const { hasPassword, calls } = drive(t)
  assert.match(await secureErase('/dev/sdz', true, context), /SECURITY_ERASE/)
  assert.equal(hasPassword(), false)
  assert.match(calls(), /--security-set-pass bootwright \/dev\/sdz\n.*--security-erase-enhanced bootwright \/dev\/sdz/)
})

test('secureErase() that the drive refuses takes the password off again, and is no success', async (t) => {
  const { hasPassword } = drive(t, { broken: '--security-erase\n' })
  await assert.rejects(secureErase('/dev/sdz', false, context), (error) => {
    assert.ok(error instanceof DeviceDidNotErase)
    assert.match(error.message, /bad\/missing sense data/)
    assert.doesNotMatch(error.message, /LEFT/)
    return true
  })
  assert.equal(hasPassword(), false)
})

test('secureErase() says of a drive that stays locked that it does, and what unlocks it', async (t) => {
  drive(t, { broken: '--security-erase\n--security-unlock\n' })
  await assert.rejects(
    secureErase('/dev/sdz', false, context),
    /THE DRIVE IS LEFT WITH A PASSWORD \(user password "bootwright"\).*hdparm --user-master u --security-disable bootwright \/dev\/sdz/,
  )
})

test('secureErase() unlocks what a secure erase that was cut off has left', async (t) => {
  const { hasPassword, calls } = drive(t, { password: 'bootwright', locked: true })
  await secureErase('/dev/sdz', false, context)
  assert.match(calls(), /--security-unlock bootwright.*\n(.*\n)*.*--security-erase bootwright/)
  assert.equal(hasPassword(), false)
})

test("secureErase() refuses a drive with somebody else's password", async (t) => {
  const { hasPassword } = drive(t, { password: 'theirs', locked: true })
  await assert.rejects(secureErase('/dev/sdz', false, context), /has a password that is not Bootwright's/)
  assert.equal(hasPassword(), true)
})
