import assert from 'node:assert/strict'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { keyLines, readIdentity } from '../../src/cli/rack/identity.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { findReadyLayout } from '../../src/core/ready-layouts.ts'

const agentTimeoutMs = 3 * 60_000

export const rackCase: RackCase = {
  name: 'redeploy-drifted',
  describe: 'a machine that was used, and misused, gets the layout update: what stayed is re-used, the rest is as new',
  set: 'long',
  run,
}

/** What a person may do to a machine; none of it may be left. */
const drift = [
  'echo drifted >>/etc/issue',
  'rm -r /etc/init.d /usr/share/zoneinfo',
  'chmod 777 /usr/bin/env && touch -d 2001-01-01 /usr/bin/env',
  'printf drift | dd of=/usr/bin/dpkg bs=1 seek=1000 conv=notrunc status=none',
  'ln -sf /etc/shadow /var/log/dpkg.log',
  'mv /usr/share/keyrings /usr/share/keyrings.away; ln -s /tmp /usr/share/keyrings',
  'mkdir -p /opt/own/tree && head -c 3000000 /dev/urandom >/opt/own/tree/file && ln /opt/own/tree/file /root/hard-link',
  'chattr +i /etc/issue.net /opt/own/tree/file',
  'sync',
]

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'drift-1', firmware: 'bios' })
  const first = await site.deploy(machine)
  await machine.powerOn()
  const before = await site.awaitState(first, 'proved')
  const shell = await site.logIn(machine)
  const sum = await shell.run('sha256sum </usr/bin/dpkg')
  const asRoot = (command: string) => `echo ${site.supplies.credentials.password} | sudo -S -p '' sh -c '${command}'`
  for (const command of drift) assert.equal(await shell.run(`${asRoot(command)} && echo done`), 'done', command)

  const id = await site.deploy(machine, { layout: findReadyLayout('update')! })
  const startedAt = Date.now()
  await machine.powerCycle()
  machine.console.skipToNow()
  const agent = await site.timeline.waitFor((event) => event.kind === 'agent' && event.at > startedAt, {
    timeoutMs: agentTimeoutMs,
    what: 'the agent',
  })
  const deployment = await site.awaitState(id, 'proved')
  const { bytesReused, bytesFetched, bytesWritten } = deployment
  site.log(`${bytesReused} bytes reused, ${bytesFetched} fetched, ${bytesWritten} written`)
  assert.ok(bytesReused > bytesWritten * 20, 'nearly all of it is re-used')
  assert.ok(bytesFetched < before.bytesFetched * 0.2, 'little is fetched')

  const again = await site.logIn(machine)
  assert.equal(await again.run('sha256sum </usr/bin/dpkg'), sum)
  const gone = '/opt/own /root/hard-link /usr/share/keyrings.away'
  assert.equal(await again.run(asRoot(`ls -d ${gone} 2>/dev/null || true`)), '')
  assert.equal(await again.run('grep -c drifted /etc/issue'), '0')
  assert.equal(await again.run('stat -c %a /usr/bin/env; test -d /usr/share/zoneinfo && echo there'), '755\nthere')
  assert.match(await again.run('lsattr -d /etc/issue.net'), /^[^i]*\s/)
  const identity = await readIdentity(again)
  assert.deepEqual(identity.hostKeys, keyLines(deployment.sshHostKeys), 'the host keys are those the agent reported')
  assert.notDeepEqual(identity.hostKeys, keyLines(before.sshHostKeys), 'and they are new')
  return caseFigures(deployment, (agent.at - startedAt) / 1000)
}
