import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseHandOver, type HandOverRule } from './hand-over.ts'

const rules: HandOverRule[] = [
  { scope: 'group', name: 'compute', handOver: 'kexec' },
  { scope: 'model', name: 'R640', handOver: 'reboot' },
  { scope: 'model', name: 'compute', handOver: 'reboot' },
]

test('chooseHandOver() takes the nearest choice: order, machine, model, group, the firmware', () => {
  const facts = { ordered: 'kexec', machine: 'reboot', model: 'R640', group: 'compute' } as const
  assert.equal(chooseHandOver(facts, rules), 'kexec')
  assert.equal(chooseHandOver({ ...facts, ordered: undefined, machine: 'kexec' }, rules), 'kexec')
  assert.equal(chooseHandOver({ ...facts, ordered: undefined, machine: undefined }, rules), 'reboot')
  assert.equal(chooseHandOver({ model: 'R740', group: 'compute' }, rules), 'kexec')
  assert.equal(chooseHandOver({ group: 'default' }, rules), 'reboot')
})
