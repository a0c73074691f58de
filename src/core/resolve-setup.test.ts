import { test } from 'node:test'
import { secretMask } from './mask-secrets.ts'
import { resolveSetup } from './resolve-setup.ts'
import { type FileTemplate, firstBootSeconds, type Hook, hookEnvironment, type Variable } from './setup.ts'
import type { ScopeKind } from './setup-scope.ts'

const names: Record<ScopeKind, string> = { image: 'debian', group: 'web', machine: 'web-1' }
const scope = (kind: ScopeKind) => ({ kind, name: names[kind] })
const variable = (kind: ScopeKind, name: string, value: string, secret = false): Variable => ({
  ...{ scope: scope(kind), name, value, secret },
})
const hook = (kind: ScopeKind, point: Hook['point'], timeoutSeconds = 60): Hook => ({
  ...{ scope: scope(kind), point, script: '#!/bin/sh\n', timeoutSeconds },
})
const file = (kind: ScopeKind, path: string, template: string, more: Partial<FileTemplate> = {}): FileTemplate => ({
  ...{ scope: scope(kind), path, template, verbatim: false, owner: '0:0', ...more },
})
const facts = { 'machine.name': 'web-1', 'machine.address': undefined, 'image.name': 'debian' }
const nothing = { hooks: [], variables: [], files: [] }

function setupOf(given: Parameters<typeof resolveSetup>[0]) {
  const resolved = resolveSetup(given, facts, 'tree')
  if (resolved.kind === 'refused') throw new Error(resolved.problems.join('\n'))
  return resolved.setup
}

function problemsOf(...[given, rendition = 'tree']: [Parameters<typeof resolveSetup>[0], ('tree' | 'disk')?]) {
  const resolved = resolveSetup(given, facts, rendition)
  return resolved.kind === 'refused' ? resolved.problems : []
}

test("resolveSetup() takes the machine's variable before the group's, and the group's before the image's", (t) => {
  const variables = [variable('machine', 'a', 'm'), variable('image', 'a', 'i'), variable('group', 'a', 'g')]
  const only = (...given: Variable[]) =>
    setupOf({ ...nothing, variables: given }).variables.find(({ name }) => name === 'a')?.value
  t.assert.equal(only(...variables), 'm')
  t.assert.equal(only(...variables.slice(1)), 'g')
  t.assert.equal(only(variables[1]!), 'i')
})

test('resolveSetup() takes the nearest file of a path, and lets every hook run, the image’s first', (t) => {
  const setup = setupOf({
    ...nothing,
    files: [file('machine', '/etc/motd', 'machine'), file('image', '/etc/motd', 'image'), file('image', '/b', '')],
    hooks: [hook('machine', 'after-write'), hook('image', 'after-write'), hook('group', 'first-boot', 30)],
  })
  t.assert.deepEqual(
    setup.files.map(({ path, text }) => [path, text]),
    [
      ['/b', ''],
      ['/etc/motd', 'machine'],
    ],
  )
  t.assert.deepEqual(
    setup.hooks.map((one) => one.scope.kind),
    ['image', 'group', 'machine'],
  )
  t.assert.equal(firstBootSeconds(setup), 30)
})

test('resolveSetup() gives a file with a secret mode 600 where nobody chose one', (t) => {
  const { files } = setupOf({
    ...nothing,
    variables: [variable('group', 'password', 'hunter22', true)],
    files: [
      file('group', '/a', '{{ password }}'),
      file('group', '/b', '{{ password }}', { mode: '640' }),
      file('group', '/c', '{{ machine.name }}'),
      file('group', '/d', '{{ password }}', { verbatim: true }),
    ],
  })
  const shown = files.map(({ path, mode, text }) => `${path} ${mode.toString(8)} ${text}`)
  t.assert.deepEqual(shown, ['/a 600 hunter22', '/b 640 hunter22', '/c 644 web-1', '/d 644 {{ password }}'])
})

test('resolveSetup() names variable, file and line of everything that cannot be rendered', (t) => {
  const files = [
    file('group', '/etc/chrony.conf', 'a\nserver {{ ntp }}'),
    file('machine', '/x', '{{ machine.address }}'),
  ]
  t.assert.deepEqual(problemsOf({ ...nothing, files }), [
    '/etc/chrony.conf of the group web, line 2: there is no variable "ntp"; there are image.name, machine.name',
    '/x of the machine web-1, line 1: there is no variable "machine.address"; there are image.name, machine.name',
  ])
})

test('resolveSetup() refuses what a foreign disk would leave out, and only that', (t) => {
  const hooks = [hook('group', 'before-partition'), hook('image', 'after-write'), hook('group', 'first-boot')]
  const files = [file('machine', '/etc/motd', '')]
  const given = { ...nothing, hooks, files }
  t.assert.deepEqual(
    problemsOf(given, 'disk').map((problem) => problem.split(':')[0]),
    [
      'the after-write hook of the image debian would not run',
      'the first-boot hook of the group web would not run',
      '/etc/motd of the machine web-1 would not be there',
    ],
  )
  t.assert.deepEqual(problemsOf({ ...nothing, hooks: hooks.slice(0, 1) }, 'disk'), [])
  t.assert.deepEqual(problemsOf(given), [])
})

test('resolveSetup() refuses more than an order can carry', (t) => {
  const files = Array.from({ length: 7 }, (_, index) => file('image', `/${index}`, 'x'.repeat(60_000)))
  t.assert.match(problemsOf({ ...nothing, files })[0] ?? '', /at most 384 KiB together/)
})

test('hookEnvironment() keeps ours and the operator’s names apart', (t) => {
  const variables = [
    { name: 'machine.name', value: 'web-1', secret: false },
    { name: 'machine_name', value: 'other', secret: false },
  ]
  t.assert.deepEqual(hookEnvironment(variables), {
    BOOTWRIGHT_MACHINE_NAME: 'web-1',
    BOOTWRIGHT_VAR_MACHINE_NAME: 'other',
  })
})

test('secretMask() puts names in the place of secrets, the longest first, line by line', (t) => {
  const mask = secretMask([
    { name: 'short', value: 'hunter22', secret: true },
    { name: 'long', value: 'hunter22-and-more', secret: true },
    { name: 'key', value: 'BEGIN\n  c2VjcmV0\nEND\n', secret: true },
    { name: 'open', value: 'harmless', secret: false },
  ])
  t.assert.equal(mask('a hunter22-and-more b hunter22'), 'a [long] b [short]')
  t.assert.equal(mask('END of c2VjcmV0, harmless'), 'END of [key], harmless')
})
