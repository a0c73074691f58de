import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { checkPackagedFiles, readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Deployment } from '../../src/core/deployment.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const diskBytes = 4 * 1024 ** 3
/** In the midst of the files of the test image, as ext4 lays them on this disk (606 to 826 MiB). */
const sector = 702 * 2048

export const rackCase: RackCase = {
  name: 'deploy-fails-then-retry',
  describe:
    'a disk does not write a sector: failed at its step; retried in the same boot and at the next one, it goes on and is proved',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const figures = await retryInSameBoot(site)
  await retryOnMendedDisk(site)
  return figures
}

/** The disk fails once: the agent, which still waits, does it again. */
async function retryInSameBoot(site: RackSite): Promise<CaseFigures> {
  const { machine } = await addFailing(site, 'retry-1', true)
  const id = await site.deploy(machine, { rendition: 'tree' })
  const secondsToAgent = await site.bootAgent(machine)
  const { machineId } = await assertFailed(site, id)
  const proved = await assertRetried(site, machine, id)
  const isStart = ({ kind, message }: { kind: string; message: string }) => kind === 'agent' && /is up/.test(message)
  const starts = site.timeline.events.filter((event) => event.machineId === machineId && isStart(event))
  assert.equal(starts.length, 1, 'the agent was not booted again')
  await machine.powerOff()
  return caseFigures(proved, secondsToAgent)
}

/** The disk always fails there, and is mended while the machine is off. */
async function retryOnMendedDisk(site: RackSite): Promise<void> {
  const { machine, mended } = await addFailing(site, 'retry-2', false)
  const id = await site.deploy(machine, { rendition: 'tree' })
  await machine.powerOn()
  await assertFailed(site, id)
  await machine.powerOff()
  machine.changeDisks([mended])
  machine.console.skipToNow()
  const power = () => machine.powerOn()
  await assertRetried(site, machine, id, power)
}

async function addFailing(site: RackSite, name: string, once: boolean) {
  const path = join(site.rack.directory, `${name}.raw`)
  await makeRawDisk(path, diskBytes)
  const mended = { path, format: 'raw' as const, serial: 'FAILING' }
  const disks = [{ ...mended, failingSector: { sector, once } }]
  return { machine: await site.addMachine({ name, firmware: 'bios', disks }), mended }
}

async function assertFailed(site: RackSite, id: string): Promise<Deployment> {
  const failed = await site.awaitState(id, 'failed')
  const { step, failure = '', machineId } = failed
  site.log(`failed at ${step}: ${failure}`)
  assert.equal(step, 'write', 'the failure names its step')
  assert.match(failure, /EIO|i\/o error|input\/output/i)
  const machine = (await site.machines()).find((one) => one.id === machineId)
  assert.equal(machine?.intent.kind, 'discover', 'its agent waits for a person')
  return failed
}

async function assertRetried(
  site: RackSite,
  machine: RackMachine,
  of: string,
  power = async () => {},
): Promise<Deployment> {
  const { id, retry } = await site.retry(machine)
  assert.deepEqual(retry, { of, goesOn: true })
  await power()
  const proved = await site.awaitState(id, 'proved')
  const { message } = site.timeline.events.find(
    (event) => event.deploymentId === id && /select-disk done/.test(event.message),
  )!
  site.log(message)
  assert.match(message, /goes on with the root filesystem of the attempt before/)
  assertReused(site, proved)
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, machine.spec.name)
  site.log(`${await checkPackagedFiles(shell)} files of packages have the bytes that they should`)
  return proved
}

/** What the attempt before had written stayed, and was not fetched again. */
function assertReused(site: RackSite, { bytesFetched, bytesReused, bytesWritten }: Deployment): void {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
  site.log(`${megabytes(bytesReused)} reused, ${megabytes(bytesFetched)} fetched, ${megabytes(bytesWritten)} written`)
  assert.ok(bytesReused > 20e6, 'what was written before stayed')
}
