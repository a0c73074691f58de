import { test } from 'node:test'
import { changeLabels, formatLabels, parseLabel, parseLabels } from './labels.ts'

test('parseLabel() takes small keys and values that need no quoting, which may be empty', (t) => {
  t.assert.deepEqual(parseLabel('rack=3'), ['rack', '3'])
  t.assert.deepEqual(parseLabel('site/floor=B-2.left'), ['site/floor', 'B-2.left'])
  t.assert.deepEqual(parseLabel('spare='), ['spare', ''])
})

for (const [text, reason] of [
  ['rack', /not KEY=VALUE/],
  ['=3', /the key ""/],
  ['Rack=3', /the key "Rack"/],
  ['rack=3 4', /the value "3 4"/],
  ['rack=a=b', /the value "a=b"/],
  [`rack=${'x'.repeat(64)}`, /more than 63/],
] as const) {
  test(`parseLabel() refuses "${text.slice(0, 12)}"`, (t) => {
    t.assert.throws(() => parseLabel(text), { name: 'DecodeError', message: reason })
  })
}

test('changeLabels() sets, takes away, and sets what is both', (t) => {
  const labels = parseLabels(['role=db', 'rack=3', 'old=1'])
  const changed = changeLabels(labels, { rack: '4', new: 'x' }, ['old', 'new', 'never'])
  t.assert.deepEqual(changed, { new: 'x', rack: '4', role: 'db' })
  t.assert.equal(formatLabels(changed), 'new=x rack=4 role=db')
})

test('changeLabels() refuses more than a machine may have', (t) => {
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`key${index}`, '']))
  t.assert.throws(() => changeLabels({}, many), { name: 'DecodeError' })
})
