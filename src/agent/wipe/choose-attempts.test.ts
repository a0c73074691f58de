import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WipeMethod } from '../../core/errand.ts'
import { chooseAttempts, notReached, type WipeFacts } from './choose-attempts.ts'
import { identityText, securityText } from './hdparm-output.fixture.ts'
import { parseIdentity } from './parse-hdparm.ts'
import { describeAttempt } from './wipe-attempt.ts'

const ssd = { rotational: false, canDiscard: true, neighbours: [] }
const spinning = { rotational: true, canDiscard: false, neighbours: [] }
const none = { crypto: false, block: false, overwrite: false }
const nvme = (sanitize: object, more: object = {}): WipeFacts => ({
  ...{ kind: 'nvme', ...ssd },
  abilities: { sanitize: { ...none, ...sanitize }, format: true, formatCrypto: true, formatOfAll: false, ...more },
})
const ata = (security: string, more: Partial<WipeFacts> = {}, commands = ''): WipeFacts =>
  ({ kind: 'ata', abilities: parseIdentity(identityText(security, commands)), ...ssd, ...more }) as WipeFacts
const sanitizes = '\t   *\tSANITIZE feature set\n\t   *\tCRYPTO_SCRAMBLE_EXT command\n'
const virtual: WipeFacts = { kind: 'virtual', isScsi: false, ...ssd }

const table: [what: string, facts: WipeFacts, method: WipeMethod, methods: string[]][] = [
  [
    ...(['an NVMe disk that can everything', nvme({ crypto: true, block: true, overwrite: true }), 'auto'] as const),
    [
      ...[
        'NVMe sanitize, block erase',
        'NVMe sanitize, cryptographic erase',
        "NVMe sanitize, the drive's own overwrite",
      ],
      ...['NVMe format, user data erase', 'NVMe format, cryptographic erase', 'overwriting with noise'],
    ],
  ],
  [
    'an NVMe disk without sanitize',
    nvme({}, { formatCrypto: false }),
    'auto',
    ['NVMe format, user data erase', 'overwriting with noise'],
  ],
  ['an NVMe disk without anything', nvme({}, { format: false }), 'auto', ['overwriting with noise']],
  ['NVMe, sanitize alone', nvme({ block: true }), 'sanitize', ['NVMe sanitize, block erase']],
  ['NVMe, sanitize that it has not', nvme({}), 'sanitize', []],
  [
    ...([
      'an NVMe namespace beside one that stays',
      { ...nvme({ block: true }), neighbours: ['/dev/nvme0n2'] },
      'auto',
    ] as const),
    ['NVMe format, user data erase', 'NVMe format, cryptographic erase', 'overwriting with noise'],
  ],
  [
    ...([
      'the same where a format is of all',
      { ...nvme({}, { formatOfAll: true }), neighbours: ['/dev/nvme0n2'] },
      'auto',
    ] as const),
    ['overwriting with noise'],
  ],
  [
    ...(['a SATA disk', ata(securityText({}), spinning), 'auto'] as const),
    ['ATA enhanced secure erase', 'ATA secure erase', 'overwriting with zeros'],
  ],
  ['a frozen SATA disk', ata(securityText({ frozen: true })), 'auto', ['overwriting with noise']],
  ["a SATA disk with somebody's password", ata(securityText({ enabled: true })), 'auto', ['overwriting with noise']],
  ['a frozen SATA disk, secure erase', ata(securityText({ frozen: true })), 'secure-erase', []],
  [
    ...(['a SATA SSD with sanitize', ata(securityText({ enhanced: false }), {}, sanitizes), 'auto'] as const),
    ['ATA sanitize, cryptographic erase', 'ATA secure erase', 'overwriting with noise'],
  ],
  [
    ...(['a SAS disk', { kind: 'scsi', ...spinning }, 'auto'] as const),
    ['SCSI sanitize, cryptographic erase', "SCSI sanitize, the drive's own overwrite", 'overwriting with zeros'],
  ],
  [
    ...(['a SAS SSD', { kind: 'scsi', ...ssd }, 'auto'] as const),
    ['SCSI sanitize, block erase', 'SCSI sanitize, cryptographic erase', 'overwriting with noise'],
  ],
  ['a SAS disk, format', { kind: 'scsi', ...spinning }, 'format', ['SCSI format unit']],
  ['a virtual disk', virtual, 'auto', ['discard', 'overwriting with zeros']],
  ['a virtual disk without discard', { ...virtual, canDiscard: false }, 'auto', ['overwriting with zeros']],
  ['a virtual disk, discard that it has not', { ...virtual, canDiscard: false }, 'discard', []],
  ['a USB disk', { kind: 'plain', why: 'USB', ...ssd }, 'auto', ['overwriting with noise']],
]

for (const [what, facts, method, methods] of table) {
  test(`chooseAttempts() of ${what}, by ${method}: ${methods.join(', ') || 'nothing'}`, () => {
    const { attempts, leftOut } = chooseAttempts(facts, method)
    assert.deepEqual(attempts.map(describeAttempt), methods)
    if (methods.length === 0) assert.ok(leftOut.length > 0, 'it says why')
  })
}

test('chooseAttempts() says of a frozen drive what unfreezes it, and of a neighbour what would be lost', () => {
  assert.match(chooseAttempts(ata(securityText({ frozen: true })), 'auto').leftOut.join(), /frozen.*suspend and resume/)
  const beside = { ...nvme({ block: true }), neighbours: ['/dev/nvme0n2'] }
  assert.match(chooseAttempts(beside, 'auto').leftOut.join(), /block erase: it would erase \/dev\/nvme0n2 too/)
})

test('notReached() tells what overwriting does not reach: replaced sectors, flash in reserve, a host protected area', () => {
  const overwrite = { method: 'overwrite', pattern: 'zeros' } as const
  const hidden = ata(securityText({}), { ...spinning, hiddenSectors: 2113 } as Partial<WipeFacts>)
  assert.match(notReached(overwrite, hidden).join(), /replaced.*2113 sectors hidden/)
  assert.match(notReached(overwrite, nvme({})).join(), /in reserve/)
  assert.deepEqual(notReached({ method: 'sanitize', by: 'nvme', action: 'block' }, nvme({})), [])
})
