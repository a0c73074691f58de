import assert from 'node:assert/strict'
import type { MachinePage } from '../../src/cli/machine-page.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import type { TimelineEvent } from '../../src/core/timeline.ts'
import { openPacketFd, sendFrame } from '../../src/linux/packet-socket.ts'
import { closeFd } from '../../src/linux/socket.ts'
import type { RackMachine } from '../../src/rack/machine.ts'
import { firstFrame } from '../fixtures/first-frame.ts'

const agentTimeoutMs = 4 * 60_000
const neighbourTimeoutMs = 2 * 60_000
const lldpEveryMs = 2000

export const rackCase: RackCase = {
  name: 'discover-approve-deploy',
  describe:
    'an unknown machine is switched on: approved by its serial number, deployed, logged in to, with no other input',
  set: 'default',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const { client, rack, supplies } = site
  const request = <Answer>(method: string, path: string, body?: unknown) =>
    client.request<Answer>(method, `/api/v1${path}`, body)
  // Put into the rack, and not made known to the service.
  const machine = await rack.addMachine({ name: 'stranger', firmware: 'bios', bmc: true })
  const labels = { rack: '3' }
  const expected = { name: 'web-1', serial: machine.spec.name.toUpperCase(), group: 'web', labels }
  await request('POST', '/expected', { machines: [expected] })
  await request('PUT', '/groups/web', { onApproval: { image: supplies.image } })
  const stopSwitch = speakAsSwitch(machine)
  try {
    const startedAt = Date.now()
    await machine.powerOn()
    const agent = await site.timeline.waitFor(({ kind }) => kind === 'agent', {
      timeoutMs: agentTimeoutMs,
      what: 'the agent',
    })
    const isQueued = ({ kind, deploymentId }: TimelineEvent) => kind === 'deployment' && deploymentId !== undefined
    const queued = await site.timeline.waitFor(isQueued, { timeoutMs: agentTimeoutMs, what: 'a deployment' })
    const deployment = await site.awaitState(queued.deploymentId!, 'proved')
    const identity = await readIdentity(await site.logIn(machine))
    assert.equal(identity.hostName, 'web-1', 'the machine has the name of the list')
    await assertApproved(site, labels)
    const scripts = site.timeline.events.filter(
      ({ kind, message }) => kind === 'script' && message.includes('the agent'),
    )
    assert.equal(scripts.length, 1, 'it was deployed by the agent that discovered it, without another boot')
    await assertSurroundings(site)
    return caseFigures(deployment, (agent.at - startedAt) / 1000)
  } finally {
    stopSwitch()
  }
}

async function assertApproved(site: RackSite, labels: Record<string, string>): Promise<void> {
  const [known, ...others] = await site.machines()
  assert.deepEqual(others, [], 'there is one machine')
  assert.deepEqual([known?.name, known?.group, known?.approved, known?.labels], ['web-1', 'web', true, labels])
  const left = await site.client.request<{ machines: unknown[] }>('GET', '/api/v1/expected')
  assert.deepEqual(left.machines, [], 'nobody is expected any more')
  const messages = site.timeline.events.map(({ message }) => message)
  assert.ok(
    messages.includes('web-1 is approved as expected: web-1 (serial STRANGER)'),
    messages.filter((message) => message.includes('approved')).join('\n'),
  )
}

/** Told beside the work. */
async function assertSurroundings(site: RackSite): Promise<void> {
  const isNeighbour = ({ message }: TimelineEvent) =>
    message.includes('leads to port swp7 of sw-3.example.test (10.0.0.2)')
  await site.timeline.waitFor(isNeighbour, { timeoutMs: neighbourTimeoutMs, what: 'the neighbour' })
  const page = await site.client.request<MachinePage>('GET', '/api/v1/machines/web-1')
  const inventory = page.inventory as Inventory
  assert.equal(inventory.interfaces[0]?.neighbour?.port, 'swp7')
  assert.ok(inventory.bmc?.firmware, 'its BMC answered')
  assert.equal(page.machine.state, 'deployed')
}

/** The rack's switch has no LLDP of its own: a frame that lldpd sent, again and again, on the machine's cable. */
function speakAsSwitch(machine: RackMachine): () => void {
  const fd = openPacketFd(machine.taps[0]!, 0x88cc, [])
  const frame = firstFrame('neighbours/lldpd.pcap')
  // Nobody holds the other end while the machine is off.
  const timer = setInterval(() => machine.isOn && sendFrame(fd, frame), lldpEveryMs)
  return () => {
    clearInterval(timer)
    closeFd(fd)
  }
}
