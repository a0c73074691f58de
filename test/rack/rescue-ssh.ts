import assert from 'node:assert/strict'
import { join } from 'node:path'
import { bootwright, type CommandResult } from '../../src/cli/rack/bootwright.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { runProgram } from '../../src/programs/run-program.ts'
import { awaitLoginPrompt, logIn } from '../../src/rack/login.ts'
import { rackNetwork } from '../../src/rack/switch.ts'

const loginTimeoutMs = 3 * 60_000
/** Of "bootwright". */
const passwordHash =
  '$6$saltsalt$GhYTiyDEe0.fsArei16CK/rdzSeD2SLigZdm7Q63CjGerlewtWddn2jbabARsDW9qov/yGPZtJAa4zuoAMzYr1'
const credentials = { user: 'root', password: 'bootwright' }

export const rackCase: RackCase = {
  name: 'rescue-ssh',
  describe:
    'a machine is rescued: reached by SSH with its recorded host key alone, its LVM assembled; login at the console',
  set: 'long',
  siteFile: `interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
rescue: { passwordHash: '${passwordHash}' }
`,
  run,
}

const makesVolume = [
  'pvcreate -q /dev/vda && vgcreate -q things /dev/vda && lvcreate -q -y -L 64M -n papers things',
  'mkfs.ext4 -q /dev/things/papers && mount /dev/things/papers /mnt',
  "echo 'nothing is lost' > /mnt/letter && umount /mnt && sync",
].join(' && ')

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'rescue-1', firmware: 'bios', memoryMiB: 1024 })
  const identity = join(site.rack.directory, 'identity')
  await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identity])
  const order = () => bootwright(site, ['rescue', 'rescue-1', '--ssh-key', `${identity}.pub`, '--follow'])
  const ssh = (...command: string[]) =>
    bootwright(site, ['ssh', '--identity', identity, 'rescue-1', ...command], 60_000)

  const first = order()
  await site.timeline.waitFor(({ kind }) => kind === 'errand', { timeoutMs: 60_000, what: 'the order' })
  const secondsToAgent = await site.bootAgent(machine)
  succeeded(await first)
  succeeded(await ssh(`${makesVolume}`))

  site.log('ordered again: the machine that is being rescued restarts for it by itself')
  const again = succeeded(await order())
  assert.match(again.output, /\/dev\/mapper\/things-papers {2}ext4/)
  const [, fingerprint = ''] = /host key (SHA256:[A-Za-z0-9+/]+)/.exec(again.output) ?? []
  await machine.console.expect(new RegExp(`its host key is ${fingerprint.replaceAll('+', '\\+')}`), {
    ...{ timeoutMs: loginTimeoutMs, what: 'the host key on the console' },
  })
  succeeded(await ssh('mount-all'))
  assert.equal(succeeded(await ssh('cat', '/mnt/things-papers/letter')).output, 'nothing is lost\n')
  assert.equal((await ssh('exit', '7')).status, 7, 'the exit status is that of the command')
  assert.match((await ssh('touch', '/mnt/things-papers/new')).output, /Read-only file system/)

  site.log('login at the console')
  machine.console.type('\r')
  await awaitLoginPrompt(machine.console, loginTimeoutMs)
  const shell = await logIn(machine.console, credentials)
  assert.equal(await shell.run('id -un'), 'root')

  site.log('a machine that shows another host key is not believed')
  const another = 'cd /run/bootwright/ssh && rm host-key && dropbearkey -t ed25519 -f host-key > /dev/null 2>&1'
  await shell.run(`${another}; kill $(cat pid)`)
  const refused = await refusal(ssh)
  assert.equal(refused.status, 255, refused.output)
  assert.match(refused.output, /Host key verification failed/)

  succeeded(await bootwright(site, ['reboot', 'rescue-1']))
  await site.timeline.waitFor(({ kind, message }) => kind === 'script' && /its own disk/.test(message), {
    ...{ timeoutMs: loginTimeoutMs, what: 'the boot from its own disk' },
  })
  assert.match((await ssh('true')).output, /No SSH host key of rescue-1 is known/)
  return { secondsToAgent, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

/** The server that is started again needs a moment. */
async function refusal(ssh: (command: string) => Promise<CommandResult>): Promise<CommandResult> {
  for (let attempt = 1; ; attempt++) {
    const result = await ssh('true')
    if (!/Connection refused/.test(result.output) || attempt === 20) return result
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

function succeeded(result: CommandResult): CommandResult {
  assert.equal(result.status, 0, result.output)
  return result
}
