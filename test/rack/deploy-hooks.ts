import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { makeRendition } from '../../src/cli/rack/make-rendition.ts'
import type { DeployRequest, RackSite } from '../../src/cli/rack/site.ts'
import type { Deployment } from '../../src/core/deployment.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const secret = 'hunter22-of-the-rack'
const group = 'web'
const stateTimeoutMs = 12 * 60_000

export const rackCase = hooksCase({ rendition: 'tree', firmware: 'bios' })

type HooksCase = {
  rendition: 'tree' | 'volume' | 'btrfs'
  firmware: 'bios' | 'uefi'
  /** Made before. */
  stored?: Parameters<typeof makeRendition>[2]
  layout?: string
}

/** A machine deployed with all that can be given to it, and then a deployment that its hook ends. */
export function hooksCase({ rendition, firmware, stored, layout }: HooksCase): RackCase {
  return {
    name: rendition === 'tree' ? 'deploy-hooks' : `deploy-hooks-${rendition}`,
    describe: `scripts, variables and files of image, group and machine are at work (${rendition}, ${firmware.toUpperCase()}); a hook that fails is the failure`,
    set: 'long',
    longestMinutes: 30,
    ...(stored && { prepare: (supplies, log) => makeRendition(supplies, supplies.image, stored, log) }),
    run: async (site) => {
      const machine = await site.addMachine({ name: 'hooks-1', firmware })
      return run(site, machine, { rendition, ...(layout !== undefined && { layout }) })
    },
  }
}

async function run(site: RackSite, machine: RackMachine, request: DeployRequest): Promise<CaseFigures> {
  await giveSetup(site)
  const id = await site.deploy(machine, request)
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved', stateTimeoutMs)
  checkSteps(deployment)
  assert.ok(site.timeline.events.some(({ message }) => message === 'first-boot: first boot of hooks-1, 10.9.9.9'))
  await checkMachine(site, machine)
  await refuseUnknownVariable(site, machine)
  await putHook(site, `image/${site.supplies.image}/after-write`, [
    'echo "asking for a licence"',
    'echo "no licence left" >&2; exit 3',
  ])
  await failAfterWrite(site, machine, request)
  assert.doesNotMatch(JSON.stringify(site.timeline.events), new RegExp(secret), 'no event has the secret')
  return caseFigures(deployment, secondsToAgent)
}

async function putHook(site: RackSite, place: string, lines: readonly string[]): Promise<void> {
  const script = `#!/bin/sh\nset -eu\n${lines.join('\n')}\n`
  await site.client.request('PUT', `/api/v1/hooks/${place}`, { script, timeoutSeconds: 120 })
}

/** All three points, and variables and files of the group and of the machine. */
async function giveSetup(site: RackSite): Promise<void> {
  const put = (path: string, body: object) => site.client.request('PUT', `/api/v1/${path}`, body)
  await put('machines/hooks-1', { group })
  await put(`variables/group/${group}/ntp`, { value: '10.9.9.9' })
  await put(`variables/group/${group}/colour`, { value: 'of the group' })
  await put('variables/machine/hooks-1/colour', { value: 'of the machine' })
  await put(`variables/group/${group}/password`, { value: secret, secret: true })
  const template = '{{ machine.name }} {{ ntp }} {{ colour }}\n'
  await put(`files/group/${group}?path=/etc/rack/app.conf`, { template, mode: '0640', owner: 'root:adm' })
  await put('files/machine/hooks-1?path=/etc/rack/secret', { template: '{{ password }}\n' })
  await putHook(site, 'machine/hooks-1/before-partition', [
    'echo "size $(blockdev --getsize64 "$BOOTWRIGHT_DISK")"',
    'echo "for $BOOTWRIGHT_MACHINE_NAME"',
  ])
  await putHook(site, `image/${site.supplies.image}/after-write`, [
    'useradd --create-home carol',
    'cp /etc/rack/app.conf /home/carol/; chown carol /home/carol/app.conf',
    'echo "password $BOOTWRIGHT_VAR_PASSWORD"',
  ])
  await putHook(site, `group/${group}/first-boot`, [
    'echo "first boot of $(hostname), $BOOTWRIGHT_VAR_NTP"',
    'echo ran >>/root/first-boot',
    'echo "$BOOTWRIGHT_VAR_PASSWORD"',
  ])
}

/** Each is where it belongs, with what its script said, and without the secret. */
function checkSteps({ steps }: Deployment): void {
  const outputOf = (name: string) => steps.find(({ step }) => step === name)?.output
  assert.match(outputOf('before-partition')?.[0] ?? '', /^size \d+$/)
  assert.equal(outputOf('before-partition')?.[1], 'for hooks-1')
  assert.deepEqual(outputOf('after-write'), ['password [password]'])
  assert.deepEqual(outputOf('first-boot'), ['first boot of hooks-1, 10.9.9.9', '[password]'])
  const order = steps.map(({ step }) => step)
  assert.deepEqual(order.slice(0, 3), ['select-disk', 'before-partition', 'partition'])
  const tail = ['identity', 'files', 'after-write', 'boot-loader', 'flush', 'hand-over', 'first-boot']
  assert.deepEqual(order.slice(order.indexOf('identity')), tail)
}

/** By logging in: the files, the user, and a first boot that ran once and left nothing. */
async function checkMachine(site: RackSite, machine: RackMachine): Promise<void> {
  const shell = await site.logIn(machine)
  const { password } = site.supplies.credentials
  const asRoot = (command: string) => shell.run(`echo ${password} | sudo -S -p '' sh -c '${command}'`)
  assert.equal(await asRoot('cat /etc/rack/app.conf'), 'hooks-1 10.9.9.9 of the machine')
  assert.equal(await asRoot('stat -c "%a %U:%G" /etc/rack/app.conf'), '640 root:adm')
  assert.equal(await asRoot('cat /etc/rack/secret; stat -c "%a %U" /etc/rack/secret'), `${secret}\n600 root`)
  assert.equal(await asRoot('stat -c "%U %s" /home/carol/app.conf'), 'carol 32')
  assert.equal(await asRoot('cat /root/first-boot; ls /var/lib/bootwright'), 'ran')
}

/** What cannot be rendered is not ordered. */
async function refuseUnknownVariable(site: RackSite, machine: RackMachine): Promise<void> {
  const path = '/api/v1/files/machine/hooks-1?path=/etc/rack/other'
  await site.client.request('PUT', path, { template: 'a\n{{ colur }}\n' })
  const words = /\/etc\/rack\/other of the machine hooks-1, line 2: there is no variable "colur"/
  await assert.rejects(site.deploy(machine), words)
  await site.client.request('DELETE', path)
}

async function failAfterWrite(site: RackSite, machine: RackMachine, { rendition }: DeployRequest): Promise<void> {
  const id = await site.deploy(machine, rendition === undefined ? {} : { rendition })
  await machine.powerCycle()
  const failed = await site.awaitState(id, 'failed', stateTimeoutMs)
  assert.equal(failed.step, 'after-write')
  assert.match(failed.failure ?? '', /^the after-write hook of the image \S+ ended with code 3: /)
  assert.match(failed.failure ?? '', /no licence left/)
  const states = site.timeline.events.flatMap((event) => (event.deploymentId === id ? [event.data?.state] : []))
  assert.equal(states.includes('written'), false, 'the intent is not used up')
  const [known] = await site.machines()
  // A version that is received lies beside the one that boots; all others leave half a system, so that the machine waits.
  assert.equal(known?.intent.kind, rendition === 'btrfs' ? 'local' : 'discover')
}
