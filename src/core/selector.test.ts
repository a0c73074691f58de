import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { parseSelector, type SelectableMachine, selects } from './selector.ts'

const machine: SelectableMachine = {
  name: 'web-12',
  group: 'web',
  state: 'ready',
  approved: true,
  macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'],
  labels: { rack: '3', role: 'front', note: '' },
}

const choosing = [
  'name=web-12',
  'name=web-*',
  'name=*-12',
  'name=*',
  'name=w*b*2',
  'group=web,state=ready,label.rack=3,name=web-*',
  'group!=db',
  'state != failed'.replaceAll(' ', ''),
  'approved=yes',
  'mac=52-54-00-00-00-02',
  'mac=52:54:*',
  'label.note=',
  'label.role=*',
  'label.floor!=2',
  ' group=web , label.rack=* ',
]

for (const text of choosing) {
  test(`selects() takes web-12 by "${text}"`, (t) => t.assert.ok(selects(parseSelector(text), machine)))
}

const leaving = [
  'name=web',
  'name=web-*2*2',
  'name=web-123*',
  'name=WEB-12',
  'group=web,state=failed',
  'group!=web',
  'approved=no',
  'mac=52:54:00:00:00:03',
  'label.rack=33',
  'label.floor=*',
  'label.floor=',
]

for (const text of leaving) {
  test(`selects() leaves web-12 by "${text}"`, (t) => t.assert.ok(!selects(parseSelector(text), machine)))
}

const refused: [text: string, reason: RegExp][] = [
  ['', /would mean every machine/],
  ['web', /"web" is no condition; use name=, group=/],
  ['group', /no condition/],
  ['group=web,', /"" is no condition/],
  ['group=', /says no value/],
  ['colour=red', /there is no "colour"; use name=/],
  ['state=done', /"done" is no state; there are new, held, ready/],
  ['approved=true', /yes or no/],
  ['label.=3', /no key of a label/],
  ['label.Rack=3', /no key of a label/],
  [`name=${'x'.repeat(1000)}`, /more than 1000/],
]

for (const [text, reason] of refused) {
  test(`parseSelector() refuses "${text.slice(0, 20)}" in words`, (t) => {
    t.assert.throws(() => parseSelector(text), { name: 'DecodeError', message: reason })
    t.assert.throws(() => parseSelector(text), DecodeError)
  })
}
