import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { TaggedSegment } from './networks/tagged-segment.ts'

const segment = new TaggedSegment()

export const rackCase: RackCase = {
  name: 'deploy-vlan',
  describe: 'a machine on a tagged port is deployed; its system is on the VLAN too, and calls back from there',
  set: 'long',
  ...segment.setting,
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const { bridge } = segment
  const machine = await site.addMachine({ name: 'vlan-1', firmware: 'bios', bridge })
  const id = await site.deploy(machine)
  const [secondsToAgent] = await Promise.all([site.bootAgent(machine), segment.closeAtKernel(site, machine)])
  const deployment = await site.awaitState(id, 'proved')
  const shell = await site.logIn(machine)
  const links = await shell.run('ip -details link show type vlan')
  assert.match(links, /vlan42@.*vlan protocol 802\.1Q id 42/s)
  return caseFigures(deployment, secondsToAgent)
}
