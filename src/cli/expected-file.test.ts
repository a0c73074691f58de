import { test } from 'node:test'
import { parseExpectedCsv } from './expected-file.ts'

test('parseExpectedCsv() reads a table with its columns in any order, quotes and remarks', (t) => {
  const table =
    '\ufeffSerial,name,labels,mac\r\n# rack 3\r\n"S-1, left",web-1,rack=3 role=front,\r\nS-2,,,52-54-00-00-00-01\r\n'
  t.assert.deepEqual(parseExpectedCsv(table), [
    { serial: 'S-1, left', name: 'web-1', labels: { rack: '3', role: 'front' } },
    { serial: 'S-2', mac: '52-54-00-00-00-01' },
  ])
  t.assert.deepEqual(parseExpectedCsv('name;serial\nweb-1;S,1\n'), [{ name: 'web-1', serial: 'S,1' }])
})

for (const [what, table, reason] of [
  ['an unknown column', 'name,colour\n', /line 1: there is no column "colour"/],
  ['too many fields', 'name,serial\n\nweb-1,S1,x\n', /line 3: it has 3 fields/],
  ['a quote that is not closed', 'serial\n"S1\n', /line 2: a quote/],
  ['no host name', 'name,serial\nweb 1,S1\n', /line 2: .*"web 1" is no host name/],
  ['no MAC address', 'mac\n52:54\n', /line 2: .*MAC address/],
  ['no label', 'serial,labels\nS1,rack\n', /line 2: .*KEY=VALUE/],
  ['nothing', '', /it is empty/],
] as const) {
  test(`parseExpectedCsv() refuses ${what} with its line`, (t) => {
    t.assert.throws(() => parseExpectedCsv(table), { name: 'DecodeError', message: reason })
  })
}
