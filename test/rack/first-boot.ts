import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BuildFailed } from '../../src/build/build-errors.ts'
import { importRecipe } from '../../src/build/import-recipe.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import { openSiteKeys } from '../../src/deploy/site-keys.ts'
import { resolveReference } from '../../src/image/reference.ts'
import { openRepository, readTree } from '../../src/image/repository.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'

export const rackCase: RackCase = {
  name: 'first-boot',
  describe:
    'a recipe is configured at the first boot of a virtual machine, where its database runs; another machine has the data',
  set: 'long',
  prepare,
  run,
}

const image = 'first-boot'

const files: Record<string, string> = {
  licence: 'a licence key that must not stay\n',
  // What a chroot cannot do: the database is asked while it runs under the system's own init.
  'settings/fill.sh': `systemctl is-active redis-server
redis-cli set licence "$(sha256sum "$SECRETS/licence" | cut -d ' ' -f 1)"
redis-cli set bolt 7
redis-cli save
`,
  'settings/fail.sh': 'systemctl is-active systemd-journald\necho about to fail\nexit 3\n',
}
const recipe = `name: first-boot
packages: [redis-server]
secrets: { licence: { file: licence } }
configure: [{ kind: shell, from: settings, script: fill.sh, when: firstBoot }]
checks: [test -s /var/lib/redis/dump.rdb]
`
const broken = `name: first-boot-fails
configure: [{ kind: shell, from: settings, script: fail.sh, when: firstBoot }]
`

async function prepare(supplies: RackSupplies, log: (line: string) => void): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-first-boot-'))
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), text)
    }
    const steps = await build(supplies, directory, recipe, log)
    if (!steps.includes('use the finished build')) {
      assert.deepEqual(
        steps.filter((step) => /first boot|machine|sh fill|disk|clean up/.test(step)),
        [
          ...['make a disk of the system for its first boot', 'boot a machine with it', 'sh fill.sh'],
          ...['take the system from the disk', 'clean up'],
        ],
      )
    }
    await assert.rejects(build(supplies, directory, broken, log), (error) => {
      assert.ok(error instanceof BuildFailed, String(error))
      assert.equal(error.step, 'sh fail.sh')
      assert.match(error.message, /about to fail\n.*it ended with 3\n/s)
      return true
    })
    await assertNoTrace(supplies)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function build(supplies: RackSupplies, directory: string, text: string, log: (line: string) => void) {
  const recipePath = join(directory, 'recipe.yaml')
  await writeFile(recipePath, `${text}source: { kind: image, image: "${supplies.image}" }\n`)
  const { imageKey: signingKey } = await openSiteKeys(supplies.keysDirectory)
  const steps: string[] = []
  await importRecipe(await openRepository(supplies.imagesDirectory), recipePath, {
    ...{ image, signingKey, comment: 'for the virtual rack' },
    cacheDirectory: join(defaultCacheDirectory(), 'build'),
    onBuild: ({ step, secondsSinceStart }) => {
      steps.push(step)
      log(`${secondsSinceStart.toFixed(1)} s: ${step}`)
    },
  })
  return steps
}

async function assertNoTrace({ imagesDirectory }: RackSupplies): Promise<void> {
  const repository = await openRepository(imagesDirectory)
  const { entries } = await readTree(repository, (await resolveReference(repository, image)).id)
  const left = entries.filter(({ path }) =>
    /bootwright-(build|first-boot)|systemd\/(timers|random-seed)|^lost\+found|ssh_host_|journal\/./.test(path),
  )
  assert.deepEqual(left, [])
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'first-1', firmware: 'bios' })
  const id = await site.deploy(machine, { image })
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  const shell = await site.logIn(machine)
  assert.equal(await shell.run('redis-cli --raw get bolt'), '7')
  assert.match(await shell.run('redis-cli --raw get licence'), /^[0-9a-f]{64}$/)
  return caseFigures(deployment, secondsToAgent)
}
