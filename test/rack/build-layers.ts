import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { prepareSeries, secondVersion } from '../../src/cli/rack/second-version.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import { listVersions, openRepository } from '../../src/image/repository.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

export const rackCase: RackCase = {
  name: 'build-layers',
  describe:
    'a layer on a layer on a base runs on a machine; the base changes, both are rebuilt by themselves, and the machine has it',
  set: 'long',
  buildsImages: true,
  longestMinutes: 45,
  prepare: (supplies) => prepareSeries(supplies, base).then(() => undefined),
  run,
}

const base = 'debian-layered'
/** Emulated beside another rack, a layer takes minutes. */
const buildTimeoutMs = 15 * 60_000
/** Each on the one before, and by what that put there. */
const layers = [
  { name: 'layer-role', on: base, commands: ['echo applied > /etc/applied'] },
  { name: 'layer-site', on: 'layer-role', commands: ['cp /etc/layer-role /etc/below'] },
] as const
type Layer = (typeof layers)[number]
const fromLayers = ['it is layer-role', 'it is layer-site', 'applied', 'it is layer-role']

async function run(site: RackSite): Promise<CaseFigures> {
  const versions = await baseVersions(site.supplies)
  await tagBase(site, versions.first)
  for (const layer of layers) {
    await follow(site, layer)
    await site.client.request('POST', `/api/v1/rebuilds/${layer.name}/run`)
    await rebuilt(site, layer, 0)
  }
  const machine = await site.addMachine({ name: 'layered-1', firmware: 'bios' })
  const first = await deployAndRead(site, machine)
  assert.deepEqual(first.said, [...fromLayers, ''])

  const last = site.timeline.events.at(-1)?.sequence ?? 0
  site.log('the base changes; nobody asks for anything')
  await tagBase(site, versions.second)
  for (const layer of layers) await rebuilt(site, layer, last)
  const second = await deployAndRead(site, machine)
  assert.deepEqual(second.said, [...fromLayers, secondVersion.text])
  assert.notEqual(second.deployment.version, first.deployment.version)
  return caseFigures(second.deployment, second.secondsToAgent)
}

async function baseVersions(supplies: RackSupplies) {
  const [second, first] = await listVersions(await openRepository(supplies.imagesDirectory), base)
  return { first: first!.id, second: second!.id }
}

async function tagBase(site: RackSite, version: string): Promise<void> {
  await site.client.request('PUT', `/api/v1/images/${base}/tags/current`, { version })
}

/** Its time is a day away: what builds it later in this case is that its base changed. */
async function follow(site: RackSite, { name, on, commands }: Layer): Promise<void> {
  const path = join(site.rack.directory, `${name}.yaml`)
  const recipe = {
    ...{ name, source: { kind: 'image', image: on } },
    ...{ files: [{ path: `/etc/${name}`, content: `it is ${name}\n` }], checks: [`test -s /etc/${name}`], commands },
  }
  await writeFile(path, JSON.stringify(recipe))
  const settings = { source: { kind: 'recipe', path }, every: '1d', promotion: 'at-once' }
  await site.client.request('PUT', `/api/v1/rebuilds/${name}`, settings)
}

async function rebuilt(site: RackSite, { name }: Layer, after: number): Promise<void> {
  const event = await site.timeline.waitFor(
    ({ kind, sequence, data }) => kind === 'image' && sequence > after && data?.image === name,
    { timeoutMs: buildTimeoutMs, what: `${name} rebuilt` },
  )
  assert.equal(event.data?.kind, 'promoted', event.message)
}

/** What each layer and the base's newer version left, as the deployed machine has it; it is off afterwards. */
async function deployAndRead(site: RackSite, machine: RackMachine) {
  const id = await site.deploy(machine, { image: 'layer-site' })
  machine.console.skipToNow()
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  const shell = await site.logIn(machine)
  const said: string[] = []
  for (const file of ['/etc/layer-role', '/etc/layer-site', '/etc/applied', '/etc/below', secondVersion.file]) {
    said.push(await shell.run(`cat ${file} 2>/dev/null || true`))
  }
  await machine.powerOff()
  return { deployment, secondsToAgent, said }
}
