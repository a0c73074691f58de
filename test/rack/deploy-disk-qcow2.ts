import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { ImageDetails } from '../../src/api/image-schemas.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { prepareRecipe } from '../../src/cli/rack/prepare-recipe.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { runProgram } from '../../src/programs/run-program.ts'

const agentTimeoutMs = 3 * 60_000
const deployTimeoutMs = 10 * 60_000
const recipe = 'debian-cloud'
const image = 'debian-qcow2'
const gib = 1024 ** 3
const goldenBytes = 2 * gib
const diskBytes = 4 * gib

export const rackCase: RackCase = {
  name: 'deploy-disk-qcow2',
  describe: 'a qcow2 of a Debian with cloud-init is written to a larger disk: it grows, takes its seed, and calls back',
  set: 'long',
  prepare: (supplies, log) => prepareRecipe(supplies, recipe, log),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  await ensureQcow2(site)
  const path = join(site.rack.directory, 'target.qcow2')
  await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(diskBytes)])
  const disks = [{ path, format: 'qcow2' as const, serial: 'TARGET' }]
  const machine = await site.addMachine({ name: 'qcow2-1', firmware: 'bios', disks })
  const id = await site.deploy(machine, { image }) // nobody says that it is a disk
  const startedAt = Date.now()
  await machine.powerOn()
  const agent = await site.timeline.waitFor(({ kind, at }) => kind === 'agent' && at >= startedAt, {
    timeoutMs: agentTimeoutMs,
    what: 'the agent',
  })
  const deployment = await site.awaitState(id, 'proved', deployTimeoutMs)
  assert.equal(deployment.rendition, 'disk')
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, machine.spec.name)
  assert.match(await shell.run('cloud-init query platform 2>/dev/null || cat /run/cloud-init/result.json'), /nocloud/i)
  const megabytes = Number(await shell.run('df -BM --output=size / | tail -1 | tr -dc 0-9'))
  assert.ok(megabytes > (goldenBytes / 2 ** 20) * 1.2, `the root has ${megabytes} MiB, it was not grown`)
  return caseFigures(deployment, (agent.at - startedAt) / 1000)
}

/** The disk of a machine that was written and never booted, as a qcow2; kept as an image until its recipe changes. */
async function ensureQcow2(site: RackSite): Promise<void> {
  const { tags } = await site.client.request<ImageDetails>('GET', `/api/v1/images/${recipe}`)
  const comment = `disk of ${recipe}@${tags.current}`
  const known = await site.client
    .request<ImageDetails>('GET', `/api/v1/images/${image}`)
    .catch((): Pick<ImageDetails, 'versions'> => ({ versions: [] }))
  if (known.versions.some((version) => version.comment === comment && version.tags.includes('current'))) return
  const path = join(site.rack.directory, 'golden.qcow2')
  await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(goldenBytes)])
  const disks = [{ path, format: 'qcow2' as const, serial: 'GOLDEN' }]
  const machine = await site.addMachine({ name: 'golden-1', firmware: 'bios', disks })
  const id = await site.deploy(machine, { image: recipe, rendition: 'tree' })
  await machine.powerOn()
  await site.awaitState(id, 'written', deployTimeoutMs)
  await machine.powerOff()
  const body = { source: { kind: 'disk', path, format: 'qcow2' }, comment }
  for await (const line of site.client.lines<{ kind: string }>('POST', `/api/v1/images/${image}/versions`, body)) {
    if (line.kind === 'problem') throw new Error(`Cannot import the qcow2: ${JSON.stringify(line)}`)
  }
}
