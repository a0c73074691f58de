import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { MachineRequest } from '../../rack/rack.ts'
import { type CaseFigures, caseFigures } from './case.ts'
import { makeSpeakingDisk, spokenWord } from './make-speaking-disk.ts'
import type { RackSite } from './site.ts'

const agentTimeoutMs = 6 * 60_000
const bootTimeoutMs = 6 * 60_000

/** `bootFile` is what the firmware must be offered; `loader` what then fetches its script, as the timeline names it. */
export type LoaderBoot = Pick<MachineRequest, 'firmware' | 'networkBoot' | 'architecture' | 'memoryMiB'> & {
  loader: string
  bootFile: string
}

/**
 * What every loader must do: start the agent with its boot token, so that an order reaches it, and, when the intent is
 * `local`, the machine's own disk. The order's disk rule matches nothing, so that the disk stays what it is.
 */
export async function bootByLoader(site: RackSite, { loader, bootFile, ...boots }: LoaderBoot): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'boots.raw')
  await makeSpeakingDisk(path, boots)
  const disks = [{ path, format: 'raw' as const, serial: 'BOOTS' }]
  const machine = await site.addMachine({ ...boots, name: `${loader.toLowerCase()}-1`, disks })
  const id = await site.deploy(machine, { disk: { serial: 'ANOTHER' } })
  const startedAt = Date.now()
  await machine.powerOn()
  const timeouts = { timeoutMs: agentTimeoutMs }
  const offer = await site.timeline.waitFor((event) => event.kind === 'dhcp', { ...timeouts, what: 'an offer' })
  assert.ok(offer.message.includes(bootFile), `${offer.message} should name ${bootFile}`)
  const agent = await site.timeline.waitFor((event) => event.kind === 'agent', { ...timeouts, what: 'the agent' })
  const script = site.timeline.events.find((event) => event.kind === 'script')
  assert.equal(script?.message, `${loader} fetched its script: the agent, intent deploy`)
  const deployment = await site.awaitState(id, 'failed', agentTimeoutMs)
  assert.equal(deployment.step, 'select-disk')
  site.log('the intent is local now; the machine is power-cycled')
  machine.console.skipToNow()
  await machine.powerCycle()
  await machine.console.expect(new RegExp(spokenWord), { timeoutMs: bootTimeoutMs, what: 'the disk' })
  return caseFigures(deployment, (agent.at - startedAt) / 1000)
}
