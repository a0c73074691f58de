import { test } from 'node:test'
import { checkNamePattern, freeName, makeName } from './name-pattern.ts'

const mac = '52:54:00:ab:cd:ef'
const facts = { smbios: { serial: 'S4E VNX/0M', product: 'PowerEdge R640', manufacturer: 'Dell Inc.' }, mac }
const takenOf =
  (...names: string[]) =>
  (name: string) =>
    names.includes(name)

const rows: [pattern: string, taken: string[], name: string | undefined][] = [
  ['rack1-{number:3}', [], 'rack1-001'],
  ['rack1-{number:3}', ['rack1-001', 'rack1-003'], 'rack1-002'],
  ['node{number}', Array.from({ length: 9 }, (_, index) => `node${index + 1}`), 'node10'],
  ['{serial}', [], 's4e-vnx-0m'],
  ['{serial}', ['s4e-vnx-0m', 's4e-vnx-0m-2'], 's4e-vnx-0m-3'],
  ['{product}-{mac}', [], 'poweredge-r640-525400abcdef'],
  ['{manufacturer}-{number:2}', [], 'dell-inc-01'],
]

for (const [pattern, taken, name] of rows) {
  test(`makeName() makes ${name} of ${pattern} where ${taken.length} names are taken`, (t) => {
    t.assert.equal(makeName(checkNamePattern(pattern), facts, takenOf(...taken)), name)
  })
}

test('makeName() gives no name where the machine does not say what the pattern needs', (t) => {
  t.assert.equal(makeName('{serial}', { smbios: {}, mac }, takenOf()), undefined)
  t.assert.equal(makeName('{serial}', { smbios: { serial: '///' }, mac }, takenOf()), undefined)
})

test('makeName() makes host names of hostile and endless claims', (t) => {
  const smbios = { serial: `\u001b[2J$(reboot)${'x'.repeat(100)}` }
  const name: string | undefined = makeName('{serial}', { smbios, mac }, takenOf('2j-reboot-'.padEnd(63, 'x')))
  t.assert.match(name ?? '', /^2j-reboot-x+-2$/)
  t.assert.equal(name?.length, 63)
})

test('freeName() numbers what the DNS says where another machine has it', (t) => {
  t.assert.equal(freeName('Web_1', takenOf()), 'web-1')
  t.assert.equal(freeName('web-1', takenOf('web-1')), 'web-1-2')
  t.assert.equal(freeName('...', takenOf()), undefined)
})

for (const [pattern, reason] of [
  ['{colour}', /no \{colour\}/],
  ['{number}-{number:2}', /more than one/],
  ['rack {number}', /small letters/],
  ['-{serial}', /small letters/],
  ['{serial', /brace/],
] as const) {
  test(`checkNamePattern() refuses ${pattern}`, (t) => {
    t.assert.throws(() => checkNamePattern(pattern), { name: 'DecodeError', message: reason })
  })
}
