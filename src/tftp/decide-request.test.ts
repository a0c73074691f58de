import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agreeTerms, decideRequest } from './decide-request.ts'

const limits = { maxBlockBytes: 1468, maxWindowBlocks: 64 }
const options = (values: Record<string, string>) => new Map(Object.entries(values))

test('decideRequest() refuses to be written to, and modes that are none', () => {
  for (const request of [
    { kind: 'wrq', filename: 'x', mode: 'octet', options: new Map() },
    { kind: 'rrq', filename: 'x', mode: 'mail', options: new Map() },
  ] as const) {
    const decision = decideRequest(request)
    assert.ok(decision.kind === 'refuse' && decision.error.code === 4, request.mode)
  }
})

const rows: [string, Record<string, string>, Record<string, string>, number, number][] = [
  ['no options', {}, {}, 512, 1],
  [
    'OVMF',
    { tsize: '0', blksize: '1468', windowsize: '4' },
    { tsize: '9999', blksize: '1468', windowsize: '4' },
    1468,
    4,
  ],
  ['iPXE', { blksize: '1432', tsize: '0' }, { blksize: '1432', tsize: '9999' }, 1432, 1],
  ['a block larger than the link', { blksize: '65464' }, { blksize: '1468' }, 1468, 1],
  ['a huge window', { windowsize: '65535' }, { windowsize: '64' }, 512, 64],
  ['a block too small', { blksize: '7' }, {}, 512, 1],
  ['nonsense', { blksize: 'x', windowsize: '0', timeout: '256', tsize: '' }, { tsize: '9999' }, 512, 1],
  ['unknown options', { multicast: '', rollover: '0' }, {}, 512, 1],
]

for (const [name, asked, accepted, blockBytes, windowBlocks] of rows) {
  test(`agreeTerms() answers ${name}`, () => {
    const terms = agreeTerms(options(asked), 9999, limits)
    assert.deepEqual(Object.fromEntries(terms.accepted), accepted)
    assert.deepEqual([terms.blockBytes, terms.windowBlocks], [blockBytes, windowBlocks])
  })
}

test('agreeTerms() takes the retransmission time the client asks for', () => {
  const terms = agreeTerms(options({ timeout: '3' }), 1, limits)
  assert.equal(terms.timeoutMs, 3000)
  assert.equal(terms.accepted.get('timeout'), '3')
})

test('agreeTerms() gives no size where it is not known beforehand', () => {
  assert.equal(agreeTerms(options({ tsize: '0' }), undefined, limits).accepted.size, 0)
})
