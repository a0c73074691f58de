import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { TimelineEvent } from '../../src/core/timeline.ts'

const deployTimeoutMs = 6 * 60_000

export const rackCase: RackCase = {
  name: 'deploy-server-restart',
  describe: 'the server is killed with SIGKILL while the agent writes; after its restart the deployment completes',
  set: 'default',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'restart-1', firmware: 'bios' })
  const id = await site.deploy(machine)
  const secondsToAgent = await site.bootAgent(machine)
  const writing = await site.timeline.waitFor(isWriting, {
    timeoutMs: deployTimeoutMs,
    what: 'bytes being written',
  })
  await site.service.kill()
  site.log(`the server was killed when ${JSON.stringify(writing.data)}`)
  await site.service.start()
  site.log('the server is up again')
  assert.equal((await site.deployment(id)).state, 'running', 'the deployment goes on from the state on disk')

  const deployment = await site.awaitState(id, 'proved')
  const agentStarts = site.timeline.events.filter((event) => event.kind === 'agent' && /is up/.test(event.message))
  assert.equal(agentStarts.length, 1, 'the agent kept its session and was not booted again')
  await readIdentity(await site.logIn(machine))
  return caseFigures(deployment, secondsToAgent)
}

function isWriting({ data }: TimelineEvent): boolean {
  return data?.step === 'write' && data.state === 'progress' && Number(data.bytesDone) > 0
}
