import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { BuildFailed } from '../../src/build/build-errors.ts'
import { importRecipe } from '../../src/build/import-recipe.ts'
import { diffVersions } from '../../src/image/diff/diff-versions.ts'
import { openRepository, type Repository, type Version } from '../../src/image/repository.ts'
import { openSigningKey, type SigningKey } from '../../src/image/signing-key.ts'
import { canBuild } from './can-build.ts'

const layerOn = (base: string, rest: string) => `source: { kind: image, image: ${base} }
secrets: { licence: { file: licence } }
checks:
  - test "$(cat /etc/by-module)" = "a value from a module"
  - test "$(cat /etc/licence.sha256)" = "$(printf 'a licence key that must not stay\\n' | sha256sum | cut -d ' ' -f 1)"
  - less --version
${rest}`

const files: Record<string, string> = {
  licence: 'a licence key that must not stay\n',
  // What nothing needs was there before, and is none of the configuration's business.
  'base.yaml': `name: base
source: { kind: mmdebstrap, suite: host, variant: apt }
packages: [usr-is-merged, passwd, ncurses-term]
excludePaths: [/usr/share/locale/*, /usr/share/man/*, /usr/share/doc/*]
commands: [apt-mark auto ncurses-term]
`,
  'puppet.yaml': `name: puppet
${layerOn('base', 'configure: [{ kind: puppet, from: puppet, manifest: site.pp }]')}`,
  'puppet/site.pp': `include site
package { 'less': ensure => installed }
exec { 'licence': command => '/bin/sh -c "sha256sum $SECRETS/licence | cut -d \\" \\" -f 1 > /etc/licence.sha256"' }
`,
  'puppet/modules/site/manifests/init.pp': `class site {
  file { '/etc/by-module': content => epp('site/value.epp', { 'what' => 'value' }) }
}
`,
  'puppet/modules/site/templates/value.epp': '<%- | String $what | -%>\na <%= $what %> from a module',
  'ansible.yaml': `name: ansible
${layerOn('base', 'configure: [{ kind: ansible, from: ansible, playbook: site.yml }]')}`,
  'ansible/site.yml': `- hosts: localhost
  roles: [site]
  tasks:
    - ansible.builtin.apt: { name: less, install_recommends: false }
    - ansible.builtin.copy:
        dest: /etc/licence.sha256
        content: "{{ lookup('file', lookup('env', 'SECRETS') + '/licence', rstrip=false) | hash('sha256') }}"
`,
  'ansible/roles/site/tasks/main.yml': `- ansible.builtin.template: { src: value.j2, dest: /etc/by-module }
`,
  'ansible/roles/site/templates/value.j2': '{# rendered on #}a {{ what | default("value") }} from a module',
  'kept.yaml': `name: kept
source: { kind: image, image: base }
packages: [ansible-core]
configure: [{ kind: ansible, from: kept, playbook: site.yml }]
`,
  'kept/site.yml': '- hosts: localhost\n  tasks: [{ ansible.builtin.copy: { dest: /etc/by-ansible, content: it } }]\n',
  'broken.yaml': `name: broken
source: { kind: image, image: kept }
configure: [{ kind: ansible, from: broken, playbook: site.yml }]
`,
  'broken/site.yml': '- hosts: localhost\n  tasks: [{ name: one that fails, ansible.builtin.command: cat /nowhere }]\n',
  'salt.yaml': `name: salt
source: { kind: image, image: base }
configure: [{ kind: salt, from: salt }]
`,
  'salt/top.sls': "base: { '*': [site] }\n",
}

type Setting = { directory: string; repository: Repository; signingKey: SigningKey; steps: string[] }

test('configuration management at build time', async (t) => {
  if (!(await canBuild(t))) return
  const setting = await prepare(t)
  const base = await build(setting, 'base')
  for (const kind of ['puppet', 'ansible']) {
    await t.test(`${kind} configures the system and leaves with all that it brought`, () =>
      configures(setting, base, kind),
    )
  }
  await t.test('a program that the recipe wants stays', () => staysWhereWanted(setting, base))
  await t.test('a playbook that fails is the step that failed', () => failsAtPlaybook(setting))
  await t.test('a program that no source has is named, with what to do', () => hasNoProgram(setting))
})

async function prepare(t: TestContext): Promise<Setting> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-configure-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
  const repository = await openRepository(join(directory, 'images'))
  return { directory, repository, signingKey: await openSigningKey(join(directory, 'keys')), steps: [] }
}

async function build({ directory, repository, signingKey, steps }: Setting, name: string): Promise<Version> {
  steps.length = 0
  const { version } = await importRecipe(repository, join(directory, `${name}.yaml`), {
    ...{ image: name, signingKey, cacheDirectory: join(directory, 'cache') },
    onBuild: ({ step }) => void steps.push(step),
  })
  return version
}

async function configures(setting: Setting, base: Version, kind: string): Promise<void> {
  const version = await build(setting, kind)
  const { packages, paths } = await changes(setting, base, version)
  assert.deepEqual(packages, ['added less'])
  // less has an alternative, and Debian's openssh-client makes a group that no removal takes away.
  const own = ['etc/by-module', 'etc/licence.sha256', 'etc/alternatives/pager']
  if (kind === 'ansible') own.push('etc/group', 'etc/gshadow')
  const others = paths.filter((path) => !own.includes(path) && !/^(usr|var\/(lib\/(dpkg|apt)|cache\/apt))\//.test(path))
  assert.deepEqual(others, [], 'what it brought is gone with it')
  assert.equal((await build(setting, kind)).id, version.id)
  assert.ok(setting.steps.includes('use the finished build'), setting.steps.join(', '))
}

async function staysWhereWanted(setting: Setting, base: Version): Promise<void> {
  const { packages, paths } = await changes(setting, base, await build(setting, 'kept'))
  assert.ok(packages.includes('added ansible-core'), packages.join(', '))
  assert.ok(paths.includes('etc/by-ansible'))
}

async function failsAtPlaybook(setting: Setting): Promise<void> {
  await assert.rejects(build(setting, 'broken'), (error) => {
    assert.ok(error instanceof BuildFailed, String(error))
    assert.equal(error.step, 'ansible-playbook site.yml')
    return true
  })
  const log = await readFile(join(setting.directory, 'cache/broken.log'), 'utf8')
  assert.match(log, /TASK \[one that fails\]/)
}

async function hasNoProgram(setting: Setting): Promise<void> {
  await assert.rejects(build(setting, 'salt'), (error) => {
    assert.ok(error instanceof BuildFailed, String(error))
    assert.equal(error.step, 'install what configures: salt-minion')
    assert.match(error.message, /no package source of this build has salt-minion: .*source\.mirrors/)
    return true
  })
}

/** `added less`, and the paths of what differs in more than its time, sorted. */
async function changes({ repository }: Setting, before: Version, after: Version) {
  const paths: string[] = []
  const { packages } = await diffVersions(repository, before.id, after.id, {
    onFiles: (files) => {
      const changed = files.filter(({ aspects = [] }) => !(aspects.length === 1 && aspects[0] === 'time'))
      paths.push(...changed.map(({ path }) => path))
    },
  })
  return { packages: packages.map(({ change, name }) => `${change} ${name}`), paths: paths.sort() }
}
