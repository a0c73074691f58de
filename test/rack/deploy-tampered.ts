import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import { openSiteKeys } from '../../src/deploy/site-keys.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { listVersions, openRepository } from '../../src/image/repository.ts'
import { packFile, versionFile } from '../../src/image/repository-layout.ts'

const image = 'tampered'

export const rackCase: RackCase = {
  name: 'deploy-tampered',
  describe: 'a chunk was changed in the store: it is fetched twice, named, and the deployment fails; nothing boots',
  set: 'long',
  prepare,
  run,
}

/** A version of its own chunks, one of which is changed where it lies; no other image has it. */
async function prepare({ imagesDirectory, keysDirectory }: RackSupplies): Promise<void> {
  const repository = await openRepository(imagesDirectory)
  if ((await listVersions(repository, image)).length > 0) return
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-tampered-'))
  try {
    await mkdir(join(directory, 'etc'))
    for (const name of ['one', 'two', 'three']) await writeFile(join(directory, 'etc', name), randomBytes(400_000))
    const { imageKey: signingKey } = await openSiteKeys(keysDirectory)
    const { id } = await importDirectory(repository, directory, { image, signingKey })
    const lines = (await readFile(versionFile(imagesDirectory, id, 'locations'), 'utf8')).trim().split('\n')
    const { pack, chunks } = JSON.parse(lines[1]!) as { pack: string; chunks: [number, number, number, number][] }
    const [, offset, storedBytes] = chunks[0]!
    await using handle = await open(packFile(imagesDirectory, pack), 'r+')
    await handle.write(Buffer.from('tampered'), 0, 8, offset + Math.floor(storedBytes / 2))
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'tampered-1', firmware: 'bios' })
  const id = await site.deploy(machine, { image, rendition: 'tree' })
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'failed')
  assert.equal(deployment.step, 'write', 'the failure names its step')
  assert.match(
    deployment.failure ?? '',
    /^Cannot use chunk [0-9a-f]{64} of etc\/\w+ from pack [0-9a-f]{64}: fetched twice/,
  )
  await machine.console.expect(/deployment failed in step write/, { timeoutMs: 60_000, what: 'the failure' })
  return caseFigures(deployment, secondsToAgent)
}
