import assert from 'node:assert/strict'
import { join } from 'node:path'
import { bootwright } from '../../src/cli/rack/bootwright.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { orderRamroot, ramrootBoots } from '../../src/cli/rack/ramroot-machine.ts'
import { secondVersion } from '../../src/cli/rack/second-version.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { prepareUpdateSeries, updateSeries, updateSeriesIds } from '../../src/cli/rack/update-series.ts'
import { secondsDown, type Update, type UpdateMachine } from '../../src/core/update.ts'
import { runProgram } from '../../src/programs/run-program.ts'
import type { Shell } from '../../src/rack/login.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

export const rackCase: RackCase = {
  name: 'ramroot-update',
  describe:
    'running machines are moved to the next version by kexec, a canary first; a version that does not come up stops at its canary',
  set: 'long',
  longestMinutes: 40,
  prepare: prepareUpdateSeries,
  run,
}

const { image } = updateSeries
const names = ['ram-1', 'ram-2', 'ram-3']
const dataDisk = { label: 'data', mount: '/data', disk: 'any' as const }
const upTimeoutMs = 12 * 60_000

async function run(site: RackSite): Promise<CaseFigures> {
  const [first, second, broken] = await updateSeriesIds(site.supplies)
  const machines = await startMachines(site, first)
  const shells = new Map<string, Shell>()
  for (const machine of machines) shells.set(machine.spec.name, await site.logIn(machine))
  const bootIds = await askAll(shells, 'cat /proc/sys/kernel/random/boot_id')
  await sudo(shells.get('ram-1')!, 'echo kept > /data/kept')

  await site.client.request('PUT', `/api/v1/images/${image}/tags/current`, { version: second })
  const forward = await update(site, [...names, '--batch', '2'])
  assert.equal(forward.status, 0, forward.output)
  await checkForward(site, forward.update, second)
  for (const machine of machines) {
    const shell = await site.logIn(machine)
    shells.set(machine.spec.name, shell)
    assert.equal(await shell.run(`cat ${secondVersion.file}`), secondVersion.text)
    assert.equal(await shell.run('hostname'), machine.spec.name)
    assert.equal(await shell.run('systemctl is-active ssh'), 'active')
    assert.notEqual(await shell.run('cat /proc/sys/kernel/random/boot_id'), bootIds.get(machine.spec.name))
  }
  assert.equal(await shells.get('ram-1')!.run('cat /data/kept'), 'kept', 'the data disk was unmounted in order')

  const back = await update(site, ['ram-3', '--to', `${image}:first`, '--by', 'reboot'])
  assert.equal(back.status, 0, back.output)
  const [rebooted] = back.update.machines
  assert.equal(scriptsSince(site, rebooted!).length, 1, 'the firmware asked for its script')
  assert.match(await site.client.request<object>('GET', '/api/v1/machines/ram-3').then(JSON.stringify), /:first"/)

  await failAtCanary(site, { broken, shells })
  const seconds = (machine: UpdateMachine | undefined) => Math.round(secondsDown(machine!)! * 10) / 10
  const kexecs = forward.update.machines.map(seconds)
  site.log(
    `seconds from the restart to the system's own call: by kexec ${kexecs.join(', ')}; by reboot ${seconds(rebooted)}`,
  )
  const steps = [
    ...kexecs.map((each) => ({ step: 'kexec', seconds: each })),
    { step: 'reboot', seconds: seconds(rebooted) },
  ]
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps }
}

/** All run the first version when it resolves; the first machine has a disk for data. */
async function startMachines(site: RackSite, first: string): Promise<RackMachine[]> {
  const disk = join(site.rack.directory, 'data.raw')
  await runProgram('truncate', ['-s', '256M', disk])
  await site.client.request('PUT', `/api/v1/images/${image}/tags/current`, { version: first })
  const machines: RackMachine[] = []
  for (const name of names) {
    const disks = name === 'ram-1' ? [{ path: disk, format: 'raw' as const, serial: 'DATA', inBootOrder: false }] : []
    const machine = await site.addMachine({ name, firmware: 'bios', memoryMiB: 640, disks })
    const dataDisks = name === 'ram-1' ? [dataDisk] : []
    const placed = await orderRamroot(site, machine, { rendition: 'squashfs', image, overlayMegabytes: 128, dataDisks })
    assert.equal(placed.refused, undefined)
    machines.push(machine)
  }
  for (const machine of machines) {
    await machine.powerOn()
    await awaitUp(site, machine, first)
  }
  return machines
}

async function awaitUp(site: RackSite, machine: RackMachine, version: string): Promise<void> {
  const isUp = async () => {
    const [newest] = await ramrootBoots(site, machine)
    return newest?.state === 'up' && newest.version === version
  }
  const deadline = Date.now() + upTimeoutMs
  while (!(await isUp())) {
    if (Date.now() > deadline) throw new Error(`${machine.spec.name} did not come up with ${version}`)
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

async function update(site: RackSite, words: readonly string[]) {
  const { status, output } = await bootwright(site, ['update', ...words], 20 * 60_000)
  const { updates } = await site.client.request<{ updates: Update[] }>('GET', '/api/v1/updates/')
  site.log(output.trimEnd())
  return { status, output, update: updates[0]! }
}

/** The canary was up before the others were told, and no firmware took part. */
async function checkForward(site: RackSite, { machines }: Update, version: string): Promise<void> {
  const [canary, ...others] = machines
  for (const other of others)
    assert.ok(other.toldAt! >= canary!.changedAt, `${other.name} was told before the canary was up`)
  for (const machine of machines) {
    assert.deepEqual([machine.state, machine.by, machine.version], ['up', 'kexec', version], machine.name)
    assert.deepEqual(scriptsSince(site, machine), [], `${machine.name} came up without its firmware`)
  }
}

function scriptsSince(site: RackSite, { machineId, restartedAt, changedAt }: UpdateMachine) {
  return site.timeline.events.filter(
    (event) =>
      event.kind === 'script' && event.machineId === machineId && event.at >= restartedAt! && event.at <= changedAt,
  )
}

type Failing = { broken: string; shells: Map<string, Shell> }

/** ram-1 fails; ram-2 is not touched; ram-3 follows another tag and has that already. */
async function failAtCanary(site: RackSite, { broken, shells }: Failing): Promise<void> {
  const untouched = shells.get('ram-2')!
  const bootId = await untouched.run('cat /proc/sys/kernel/random/boot_id')
  await site.client.request('PUT', `/api/v1/images/${image}/tags/current`, { version: broken })
  const failing = await update(site, [...names, '--batch', '2'])
  assert.equal(failing.status, 1, failing.output)
  assert.match(failing.output, /stopped: ram-1 failed: it did not come up: the version has no init/)
  assert.match(failing.output, /1 were not touched/)
  assert.deepEqual(
    failing.update.machines.map(({ name, state }) => `${name} ${state}`),
    ['ram-1 failed', 'ram-2 waiting', 'ram-3 skipped'],
  )
  assert.equal(await untouched.run('cat /proc/sys/kernel/random/boot_id'), bootId)
  assert.equal(await untouched.run(`cat ${secondVersion.file}`), secondVersion.text)
}

async function askAll(shells: Map<string, Shell>, command: string): Promise<Map<string, string>> {
  const answers = new Map<string, string>()
  for (const [name, shell] of shells) answers.set(name, await shell.run(command))
  return answers
}

function sudo(shell: Shell, command: string): Promise<string> {
  return shell.run(`echo bootwright | sudo -S sh -c '${command}' 2>/dev/null`)
}
