import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../../bytes/decode-error.ts'
import { identityText, securityText } from './hdparm-output.fixture.ts'
import { parseHiddenSectors, parseIdentity, parseSanitizeStatus } from './parse-hdparm.ts'

test('parseIdentity() reads the security section line by line', () => {
  const { security } = parseIdentity(identityText(securityText({})))
  assert.deepEqual(security, {
    ...{ supported: true, enabled: false, locked: false, frozen: false, expired: false },
    ...{ enhanced: true, eraseMinutes: 424, enhancedMinutes: 424 },
  })
  const other = parseIdentity(
    identityText(securityText({ enabled: true, locked: true, frozen: true, enhanced: false })),
  )
  assert.deepEqual(other.security, {
    ...{ supported: true, enabled: true, locked: true, frozen: true, expired: false },
    ...{ enhanced: false, eraseMinutes: 424 },
  })
})

test('parseIdentity() of a drive without the section, or that does not support it, is one without secure erase', () => {
  assert.equal(parseIdentity(identityText('')).security.supported, false)
  const without = 'Security: \n\tMaster password revision code = 65534\n\tnot\tsupported\n\tnot\tenabled\n'
  assert.equal(parseIdentity(identityText(without)).security.supported, false)
})

test('parseIdentity() reads the commands of the sanitize feature set', () => {
  const commands = '\t   *\tSANITIZE feature set\n\t   *\tBLOCK_ERASE_EXT command\n'
  assert.deepEqual(parseIdentity(identityText('', commands)).sanitize, { crypto: false, block: true, overwrite: false })
  const off = '\t    \tSANITIZE feature set\n\t   *\tBLOCK_ERASE_EXT command\n'
  assert.deepEqual(parseIdentity(identityText('', off)).sanitize, { crypto: false, block: false, overwrite: false })
})

test('parseIdentity() throws DecodeError for what is no ATA drive', () => {
  for (const text of [
    '',
    ' HDIO_DRIVE_CMD(identify) failed: Inappropriate ioctl for device\n',
    '/dev/sr0:\nATAPI CD-ROM',
  ]) {
    assert.throws(() => parseIdentity(text), DecodeError, text)
  }
})

test('parseSanitizeStatus() tells a sanitize that runs from one that ended', () => {
  const running = parseSanitizeStatus(
    '/dev/sda:\nIssuing SANITIZE_STATUS command\nSanitize status:\n    State:    SD2 Sanitize operation In Process\n    Progress: 0x41c2 (25%)\n',
  )
  assert.equal(running.state, 'running')
  assert.ok(Math.abs(running.progress - 0.257) < 0.001)
  const idle = parseSanitizeStatus(
    '    State:    SD0 Sanitize Idle\n    Last Sanitize Operation Completed Without Error\n',
  )
  assert.deepEqual(idle, {
    ...{ state: 'idle', isCompleted: true, progress: 0 },
    status: 'SD0 Sanitize Idle, Last Sanitize Operation Completed Without Error',
  })
  assert.equal(parseSanitizeStatus('    State:    SD0 Sanitize Idle\n').isCompleted, false)
  assert.equal(parseSanitizeStatus('    State:    SD3 Sanitize Operation Failed\n').state, 'failed')
  assert.throws(() => parseSanitizeStatus('SANITIZE feature set is not supported\n'), DecodeError)
})

test('parseHiddenSectors() says what a host protected area hides', () => {
  assert.equal(parseHiddenSectors('\n/dev/sda:\n max sectors   = 3907029168/3907029168, HPA is disabled\n'), 0)
  assert.equal(parseHiddenSectors(' max sectors   = 586070255/586072368, HPA is enabled\n'), 2113)
  assert.equal(parseHiddenSectors(' SG_IO: bad/missing sense data'), undefined)
})
