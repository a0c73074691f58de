import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { checkPackagedFiles, readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRendition } from '../../src/cli/rack/make-rendition.ts'
import {
  isAt,
  type PowerCutMoment,
  whenDone,
  whenFirstBooting,
  whenPartDone,
  whenStarted,
  whenWritten,
} from '../../src/cli/rack/power-cut-moments.ts'
import type { DeployRequest, RackSite } from '../../src/cli/rack/site.ts'
import { VolatileMachine } from '../../src/cli/rack/volatile-machine.ts'
import { seededRandom } from '../../src/image/nasty-tree.fixture.ts'

const agentTimeoutMs = 4 * 60_000
const momentTimeoutMs = 8 * 60_000
const seed = 20_260

export const rackCase = powerCutCase({
  name: 'deploy-power-cut',
  what: 'a volume',
  firmware: 'bios',
  request: { rendition: 'volume', filesystem: 'ext4' },
  prepare: (supplies, log) => makeRendition(supplies, supplies.image, { name: 'volume', filesystem: 'ext4' }, log),
  moments: [
    whenDone('partition'),
    whenDone('make-filesystems'),
    whenPartDone('write', 0.1),
    whenPartDone('write', 0.6),
    whenPartDone('verify', 0.5),
    whenDone('grow'),
    whenStarted('boot-loader'),
    whenDone('boot-loader'),
    whenWritten,
    whenFirstBooting,
  ],
})

export type PowerCutSetting = {
  name: string
  what: string
  firmware: 'bios' | 'uefi'
  request: DeployRequest
  prepare?: RackCase['prepare']
  /** One after the other, in one deployment: each boot gets further. The last two are after the write. */
  moments: readonly PowerCutMoment[]
}

/** One deployment, in which the plug is pulled at every moment; it must end complete on a disk that loses its cache. */
export function powerCutCase({ name, what, firmware, request, prepare, moments }: PowerCutSetting): RackCase {
  return {
    name,
    describe: `the plug is pulled at ten moments of one deployment of ${what}, each time the disk's write cache is lost; it completes`,
    set: 'long',
    longestMinutes: 40,
    ...(prepare && { prepare }),
    run: async (site) => {
      await using volatile = await VolatileMachine.add(site, { name: `${name.replace('deploy-', '')}-1`, firmware })
      return await run(site, volatile, { request, moments })
    },
  }
}

async function run(
  site: RackSite,
  volatile: VolatileMachine,
  { request, moments }: Pick<PowerCutSetting, 'request' | 'moments'>,
): Promise<CaseFigures> {
  const { machine } = volatile
  const random = seededRandom(seed)
  const id = await site.deploy(machine, request)
  const startedAt = Date.now()
  let secondsToAgent = 0
  for (const [index, moment] of moments.entries()) {
    const poweredAt = Date.now()
    machine.console.skipToNow()
    await machine.powerOn()
    if (index === 0) secondsToAgent = (await awaitAgent(site, poweredAt)) / 1000
    await reach(site, volatile, moment, poweredAt)
    const { writes, bytes, kept, torn, lost } = await volatile.pullPlug(random)
    site.log(
      `${index + 1} of ${moments.length}, ${moment.name}: the plug is pulled; of ${writes} writes that were not flushed ` +
        `(${(bytes / 1e6).toFixed(1)} MB) ${lost} are gone, ${torn} torn, ${kept} there`,
    )
  }
  machine.console.skipToNow()
  await machine.powerOn()
  const deployment = await site.awaitState(id, 'proved', momentTimeoutMs)
  site.log(`complete after ${((Date.now() - startedAt) / 1000).toFixed(0)} s and ${moments.length} power cuts`)
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, machine.spec.name)
  site.log(`${await checkPackagedFiles(shell)} files of packages have the bytes that they should`)
  return caseFigures(deployment, secondsToAgent)
}

async function awaitAgent(site: RackSite, since: number): Promise<number> {
  const isAgent = ({ kind, at }: { kind: string; at: number }) => kind === 'agent' && at >= since
  const { at } = await site.timeline.waitFor(isAgent, { timeoutMs: agentTimeoutMs, what: 'the agent' })
  return at - since
}

/** A deployment that failed instead is told as such. */
async function reach(site: RackSite, { machine }: VolatileMachine, moment: PowerCutMoment, since: number) {
  if (moment.kind === 'console') {
    await machine.console.expect(moment.pattern, { timeoutMs: momentTimeoutMs, what: moment.name })
    return
  }
  const event = await site.timeline.waitFor(
    (candidate) => candidate.at >= since && (isAt(moment, candidate) || candidate.data?.state === 'failed'),
    { timeoutMs: momentTimeoutMs, what: moment.name },
  )
  assert.ok(isAt(moment, event), `instead of "${moment.name}": ${event.message}`)
}
