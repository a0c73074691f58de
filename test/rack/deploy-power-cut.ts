import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRendition } from '../../src/cli/rack/make-rendition.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { DeployStep } from '../../src/core/deployment.ts'
import type { TimelineEvent } from '../../src/core/timeline.ts'

const agentTimeoutMs = 3 * 60_000
const stepTimeoutMs = 6 * 60_000

/** Where the plug is pulled, one after the other: each boot gets one step further. */
const moments: readonly { step: DeployStep; isMoment: (data: Record<string, unknown>) => boolean }[] = [
  { step: 'write', isMoment: ({ state, bytesDone }) => state === 'progress' && Number(bytesDone) > 0 },
  { step: 'verify', isMoment: ({ state }) => state === 'started' },
  { step: 'grow', isMoment: ({ state }) => state === 'started' },
  { step: 'boot-loader', isMoment: ({ state }) => state === 'started' },
]

export const rackCase: RackCase = {
  name: 'deploy-power-cut',
  describe: 'the plug is pulled in four steps of one deployment of a volume; each next boot goes on, and it completes',
  set: 'long',
  prepare: (supplies, log) => makeRendition(supplies, supplies.image, { name: 'volume', filesystem: 'ext4' }, log),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'power-cut-1', firmware: 'bios' })
  const id = await site.deploy(machine, { rendition: 'volume', filesystem: 'ext4' })
  const firstStart = Date.now()
  let secondsToAgent = 0
  for (const { step, isMoment } of moments) {
    const startedAt = Date.now()
    await machine.powerOn()
    await site.timeline.waitFor(({ kind, at }) => kind === 'agent' && at >= startedAt, {
      timeoutMs: agentTimeoutMs,
      what: 'the agent',
    })
    secondsToAgent ||= (Date.now() - firstStart) / 1000
    const isNow = ({ at, data }: TimelineEvent) =>
      at >= startedAt && data?.step === step && isMoment(data as Record<string, unknown>)
    await site.timeline.waitFor(isNow, { timeoutMs: stepTimeoutMs, what: `the moment in ${step}` })
    await machine.powerOff()
    site.log(`the plug was pulled in ${step}`)
    assert.notEqual((await site.deployment(id)).state, 'written', 'what was cut off is not written')
  }
  machine.console.skipToNow()
  await machine.powerOn()
  const deployment = await site.awaitState(id, 'proved', stepTimeoutMs)
  site.log(`${deployment.bytesReused} bytes were there, ${deployment.bytesFetched} were fetched in the last attempt`)
  await readIdentity(await site.logIn(machine))
  return caseFigures(deployment, secondsToAgent)
}
