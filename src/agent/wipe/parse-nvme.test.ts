import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../../bytes/decode-error.ts'
import { parseIdController, parseSanitizeLog } from './parse-nvme.ts'

/** As nvme-cli 2.3 prints it, of a Solidigm-like drive: what is not asked for is left out. */
const controller = (sanicap: number, oacs: number, fna: number) =>
  `{\n  "vid":7823,\n  "sn":"002115101B16",\n  "mn":"SSSTC CA6-8D1024",\n  "oacs":${oacs},\n  "sanicap":${sanicap},\n  "fna":${fna},\n  "nn":1\n}\n`

test('parseIdController() reads what a controller can erase', () => {
  // SANICAP of a SSSTC CA6: block erase alone, no-deallocate inhibited
  assert.deepEqual(parseIdController(controller(0xa0000002, 0x17, 0)), {
    sanitize: { crypto: false, block: true, overwrite: false },
    ...{ format: true, formatCrypto: false, formatOfAll: false },
  })
  assert.deepEqual(parseIdController(controller(0b101, 0x15, 0b110)), {
    sanitize: { crypto: true, block: false, overwrite: true },
    ...{ format: false, formatCrypto: true, formatOfAll: true },
  })
})

test('parseIdController() throws DecodeError where a field is not there, and takes it for no ability', () => {
  for (const text of ['', '{}', 'null', '{"sanicap":"x","oacs":1,"fna":0}', 'NVMe status: INVALID_FIELD']) {
    assert.throws(() => parseIdController(text), DecodeError, text)
  }
})

/** linux-nvme/nvme-cli issues #752 and #3027. */
const log = (progress: number, status: string) => `Sanitize Progress                      (SPROG) :  ${progress}
Sanitize Status                        (SSTAT) :  ${status}
Sanitize Command Dword 10 Information (SCDW10) :  0x2
Estimated Time For Overwrite                   :  4294967295 (No time period reported)
Estimated Time For Block Erase                 :  4294967295 (No time period reported)
`

test('parseSanitizeLog() tells a sanitize that runs from one that ended, well or badly', () => {
  const cases = [
    [655, '0x2', 'running', 0.01],
    [65535, '0x101', 'done', 1],
    [65535, '0x1', 'done', 1],
    [65535, '0x4', 'done', 1],
    [65535, '0x3', 'failed', 1],
    [65535, '0', 'never', 1],
    [0, '0x7', 'unknown', 0],
  ] as const
  for (const [progress, status, state, share] of cases) {
    const parsed = parseSanitizeLog(log(progress, status))
    assert.equal(parsed.state, state, status)
    assert.ok(Math.abs(parsed.progress - share) < 0.001)
    assert.equal(parsed.status, `SSTAT ${status}, SPROG ${progress}`)
  }
})

test('parseSanitizeLog() reads the human form, and throws DecodeError for anything else', () => {
  const human =
    'Sanitize Progress                      (SPROG) :  23297 (35.548401%)\nSanitize Status  (SSTAT) :  0x2\n'
  assert.equal(parseSanitizeLog(human).state, 'running')
  assert.throws(() => parseSanitizeLog('NVMe status: INVALID_LOG_PAGE(0x109)'), DecodeError)
})
