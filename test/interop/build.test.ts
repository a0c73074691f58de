import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { BuildFailed } from '../../src/build/build-errors.ts'
import { buildRecipe } from '../../src/build/build-recipe.ts'
import { readRecipe } from '../../src/build/read-recipe.ts'
import { canBuild } from './can-build.ts'

/** The smallest Debian that can run commands: no kernel, no init. */
const small = `
name: small
source: { kind: mmdebstrap, suite: host, variant: essential }
packages: [usr-is-merged, passwd]
excludePaths: [/usr/share/locale/*, /usr/share/man/*]
hostname: small-one
users:
  - { name: ann, password: { env: BOOTWRIGHT_TEST_PASSWORD }, authorizedKeys: [ssh-ed25519 AAAA ann] }
files:
  - { path: /etc/greeting, content: hello, mode: "0640", group: adm }
`

test('buildRecipe() with mmdebstrap', async (t) => {
  if (!(await canBuild(t))) return
  process.env.BOOTWRIGHT_TEST_PASSWORD = 'a password for the test'
  t.after(() => delete process.env.BOOTWRIGHT_TEST_PASSWORD)
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-build-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  await t.test('gives the same bytes twice, and the second time from the cache', (t) => sameBytes(t, directory))
  await t.test('names the step at which a dead mirror stopped it', () => deadMirror(directory))
})

async function sameBytes(t: TestContext, directory: string): Promise<void> {
  const recipePath = join(directory, 'small.yaml')
  await writeFile(recipePath, `${small}commands: ['test "$(cat /etc/greeting)" = hello']\n`)
  const steps: string[] = []
  const onProgress = ({ step }: { step: string }) => steps.push(step)
  const first = await buildRecipe(await readRecipe(recipePath), { cacheDirectory: join(directory, 'one'), onProgress })
  assert.ok(steps.includes('run command 1 of 1: test "$(cat /etc/greeting)" = hello'), steps.join(', '))
  const second = await buildRecipe(await readRecipe(recipePath), { cacheDirectory: join(directory, 'two') })
  assert.equal(second.tarSha256, first.tarSha256)
  const cached = await buildRecipe(await readRecipe(recipePath), { cacheDirectory: join(directory, 'one') })
  assert.deepEqual(cached, first)

  const listing = execFileSync('tar', ['--numeric-owner', '-tvf', first.tarPath], { encoding: 'utf8' })
  assert.match(listing, /^-rw-r----- 0\/4 +5 .* \.\/etc\/greeting$/m)
  for (const gone of ['bootwright-build', 'resolv.conf', 'ssh_host_', 'shadow-', '99mmdebstrap', '.pwd.lock']) {
    assert.doesNotMatch(listing, new RegExp(`/[^ ]*${gone.replace('.', '\\.')}`), `the archive has ${gone}`)
  }
  const read = (path: string) => execFileSync('tar', ['-xOf', first.tarPath, path], { encoding: 'utf8' })
  assert.match(listing, /^-rw-r--r-- 0\/0 .* \.\/etc\/hostname$/m)
  assert.equal(read('./etc/hostname'), 'small-one\n')
  assert.equal(read('./home/ann/.ssh/authorized_keys'), 'ssh-ed25519 AAAA ann\n')
  assert.match(read('./etc/shadow'), /^ann:\$y\$/m)
  assert.ok(first.packages.some(({ name }) => name === 'bash'))
  t.diagnostic(`${first.packages.length} packages, ${first.sizeBytes} bytes`)
  assertMirrorUnknown(first.tarPath)
}

/** Nothing that the build wrote names the mirror that this machine's apt uses. */
function assertMirrorUnknown(tarPath: string): void {
  const format = ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']
  const sites = execFileSync('apt-get', format, { encoding: 'utf8' }).trim().split('\n')
  const written = execFileSync('tar', ['-xOf', tarPath, './etc', './var'], { encoding: 'latin1', maxBuffer: 1 << 28 })
  for (const host of new Set(sites.map((site) => new URL(site).host).filter((name) => name !== ''))) {
    assert.ok(!written.includes(host), `/etc or /var of the image names the mirror ${host}`)
  }
}

async function deadMirror(directory: string): Promise<void> {
  const recipePath = join(directory, 'dead.yaml')
  const mirror = '{ uri: "http://127.0.0.1:9/debian", suite: bookworm, components: [main] }'
  const source = `{ kind: mmdebstrap, suite: bookworm, variant: essential, mirrors: [${mirror}] }`
  await writeFile(recipePath, `name: dead\nsource: ${source}\n`)
  await assert.rejects(
    buildRecipe(await readRecipe(recipePath), { cacheDirectory: join(directory, 'one') }),
    (error) => {
      assert.ok(error instanceof BuildFailed, String(error))
      assert.equal(error.step, 'look at the package mirrors')
      return true
    },
  )
}
