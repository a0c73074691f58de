import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import { runProgram } from '../../src/programs/run-program.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'

const added = 'less'
const buildTimeoutMs = 10 * 60_000

export const rackCase: RackCase = {
  name: 'auto-rebuild',
  describe:
    'a package is installed in the model of an image: it is rebuilt by itself, and a machine boots the new version',
  set: 'long',
  prepare: (supplies) => changedModel(supplies).then(() => undefined),
  run,
}

/** The model as it is after the package was installed in it, as a tar; made once for each of the trial's images. */
async function changedModel({ imageTar }: RackSupplies): Promise<string> {
  const directory = join(defaultCacheDirectory(), 'rack', 'auto-rebuild')
  const changed = join(directory, basename(imageTar))
  if (await stat(changed).catch(() => undefined)) return changed
  await mkdir(directory, { recursive: true })
  const work = await mkdtemp(join(tmpdir(), 'bootwright-model-'))
  try {
    const [root, packages] = [join(work, 'root'), join(work, 'packages')]
    await mkdir(root)
    await mkdir(packages)
    const options = { timeoutMs: buildTimeoutMs }
    await runProgram(
      'tar',
      ['--extract', '--numeric-owner', '--xattrs', `--file=${imageTar}`, `--directory=${root}`],
      options,
    )
    await runProgram('apt-get', ['download', added], { ...options, directory: packages })
    const [file = ''] = await readdir(packages)
    await runProgram('dpkg', [`--root=${root}`, '--install', join(packages, file)], options)
    const tar = [
      '--create',
      '--numeric-owner',
      '--xattrs',
      '--one-file-system',
      `--file=${changed}.new`,
      `--directory=${root}`,
      '.',
    ]
    await runProgram('tar', tar, options)
    await rename(`${changed}.new`, changed)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return changed
}

async function run(site: RackSite): Promise<CaseFigures> {
  const model = join(site.rack.directory, 'model.tar')
  await copyFile(site.supplies.imageTar, model)
  const settings = { source: { kind: 'tar', path: model }, every: '1d', promotion: 'at-once' }
  await site.client.request('PUT', '/api/v1/rebuilds/model', settings)
  const first = await rebuild(site)
  site.log(`${added} is installed in the model`)
  await copyFile(await changedModel(site.supplies), model)
  const second = await rebuild(site)
  assert.match(second.message, new RegExp(`${added} \\(new\\) → `), 'the package difference is in the timeline')
  assert.notEqual(second.data?.version, first.data?.version)

  const machine = await site.addMachine({ name: 'rebuilt-1', firmware: 'bios' })
  const id = await site.deploy(machine, { image: 'model' })
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  assert.equal(deployment.version, second.data?.version)
  const shell = await site.logIn(machine)
  assert.match(await shell.run(`dpkg-query -W ${added}`), new RegExp(`^${added}`))
  return caseFigures(deployment, secondsToAgent)
}

async function rebuild(site: RackSite) {
  const after = site.timeline.events.at(-1)?.sequence ?? 0
  await site.client.request('POST', '/api/v1/rebuilds/model/run')
  const what = 'the image rebuilt'
  return site.timeline.waitFor(({ kind, sequence }) => kind === 'image' && sequence > after, {
    ...{ timeoutMs: buildTimeoutMs, what },
  })
}
