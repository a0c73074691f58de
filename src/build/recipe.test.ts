import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { YamlFileInvalid } from '../core/yaml-file.ts'
import { cleanUpNames } from '../image/clean-up/operations.ts'
import { cleanUpOf, parseRecipe } from './recipe.ts'

const minimal = 'name: small\nsource: { kind: mmdebstrap, suite: host, variant: minbase }\n'

function problemsOf(text: string): readonly string[] {
  try {
    parseRecipe(text, 'r.yaml')
  } catch (error) {
    assert.ok(error instanceof YamlFileInvalid, String(error))
    return error.problems
  }
  return []
}

test('parseRecipe() accepts the recipe of the trial', async () => {
  const path = join(import.meta.dirname, '../../recipes/debian-minimal.yaml')
  const recipe = parseRecipe(await readFile(path, 'utf8'), path).content
  assert.equal(recipe.name, 'debian-minimal')
  assert.equal(recipe.source.suite, 'host')
})

test('parseRecipe() accepts JSON, which is YAML', () => {
  const source = { kind: 'mmdebstrap', suite: 'bookworm', variant: 'apt' }
  assert.deepEqual(parseRecipe(JSON.stringify({ name: 'x', source }), 'r.json').content.source, source)
})

test('parseRecipe() names the place of every mistake', () => {
  assert.deepEqual(problemsOf(`${minimal}pakages: [a]\n`), ['r.yaml:3:1: pakages: there is no such name in a recipe'])
  assert.deepEqual(problemsOf(`${minimal}packages: [less, "--oops"]\n`), [
    'r.yaml:3:18: packages.1: it does not have the form it needs',
  ])
  assert.deepEqual(problemsOf(`${minimal}hostname: "-x"\n`), [
    'r.yaml:3:1: hostname: it does not have the form it needs',
  ])
  assert.match(problemsOf('name: [\n')[0] ?? '', /^r\.yaml:2:1: /)
  assert.match(problemsOf('name: small\n')[0] ?? '', /source/)
})

test('parseRecipe() refuses a file without exactly one content', () => {
  assert.deepEqual(problemsOf(`${minimal}files:\n  - path: /a\n  - { path: /b, content: x, link: /c }\n`), [
    'r.yaml:4:5: files.0: /a needs exactly one of content, from and link, and has 0',
    'r.yaml:5:5: files.1: /b needs exactly one of content, from and link, and has 2',
  ])
})

test('parseRecipe() refuses a password in clear, and a user that stands there twice', () => {
  assert.notDeepEqual(problemsOf(`${minimal}users: [{ name: a, password: secret }]\n`), [])
  assert.deepEqual(problemsOf(`${minimal}users: [{ name: a }, { name: a }]\n`), [
    'r.yaml:3:22: users.1: a stands there twice',
  ])
})

test('parseRecipe() takes layers and foreign sources, and refuses for them what only mmdebstrap can do', () => {
  const layer = 'name: layer\nsource: { kind: image, image: "web:stable" }\n'
  assert.equal(parseRecipe(layer, 'r.yaml').content.source.kind, 'image')
  for (const source of [
    '{ kind: tar, path: root.tar }',
    '{ kind: lxc, name: web }',
    '{ kind: oci, name: "docker://x/y:1" }',
  ]) {
    assert.deepEqual(problemsOf(`name: a\nsource: ${source}\n`), [], source)
  }
  assert.deepEqual(problemsOf(`${layer}excludePaths: [/usr/share/man/*]\n`), [
    'r.yaml:3:1: excludePaths: it is for packages that mmdebstrap unpacks; the source here is image',
  ])
})

test('parseRecipe() names what is wrong with a source, whichever kind it is', () => {
  assert.deepEqual(problemsOf('name: a\nsource: { kind: image }\n'), [
    'r.yaml:2:1: source: must have required properties image',
  ])
  assert.deepEqual(problemsOf('name: a\nsource: { kind: floppy }\n'), [
    'r.yaml:2:11: source.kind: it is one of mmdebstrap, image, tar, directory, btrfs, disk, lxc, oci',
  ])
  assert.deepEqual(problemsOf('name: a\nsource: { kind: tar, path: x, sweet: host }\n'), [
    'r.yaml:2:31: source.sweet: there is no such name in a recipe',
  ])
})

test('parseRecipe() refuses a template with a variable that the recipe does not have', () => {
  const file = 'files: [{ path: /etc/motd, template: true, content: "hello {{ who }}" }]\n'
  assert.match(
    problemsOf(`${minimal}${file}`)[0] ?? '',
    /^r\.yaml:3:9: files\.0: line 1 of the template: there is no variable "who"/,
  )
  assert.deepEqual(problemsOf(`${minimal}variables: { who: world }\n${file}`), [])
})

test('cleanUpOf() has every operation but the host name on, unless the recipe says otherwise', () => {
  const on = (text: string) => cleanUpOf(parseRecipe(minimal + text, 'r.yaml').content)
  assert.deepEqual(
    on(''),
    cleanUpNames.filter((name) => name !== 'hostname'),
  )
  assert.deepEqual(
    on('cleanUp: { logfiles: false, hostname: true }\n'),
    cleanUpNames.filter((name) => name !== 'logfiles'),
  )
  assert.deepEqual(problemsOf(`${minimal}cleanUp: { logs: false }\n`), [
    'r.yaml:3:12: cleanUp.logs: there is no such name in a recipe',
  ])
})

test('parseRecipe() refuses an output that no version can be made into', () => {
  assert.deepEqual(problemsOf(`${minimal}outputs: [squashfs, volume-ext4, volume-fat]\n`), [
    'r.yaml:3:34: outputs.2: it is none of volume-ext4, volume-btrfs, volume-xfs, disk, btrfs, squashfs and initrd',
  ])
})

test('parseRecipe() takes configuration for the first boot, and refuses its machine where nothing runs in it', () => {
  const configure = (when: string) => `configure: [{ kind: shell, from: s, script: a.sh, when: ${when} }]\n`
  assert.deepEqual(problemsOf(`${minimal}${configure('firstBoot')}firstBoot: { memoryMiB: 512 }\n`), [])
  assert.deepEqual(problemsOf(`${minimal}${configure('build')}firstBoot: { memoryMiB: 512 }\n`), [
    'r.yaml:4:1: firstBoot: nothing is configured at first boot: a part of configure says `when: firstBoot`',
  ])
  assert.match(problemsOf(`${minimal}${configure('later')}`)[0] ?? '', /^r\.yaml:3:51: configure\.0\.when: /)
})
