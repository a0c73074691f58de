import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { bootNonceBytes, mintBootToken } from '../boot/boot-token.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { claimingGroup } from '../core/group-claim.ts'
import { address, inventory, newAgent, plane } from './boot-plane.fixture.ts'

test('the boot plane has neither script nor session for a stranger where unknown machines are ignored', async (t) => {
  const { ask, newcomers, machines } = await plane(t)
  newcomers.unknown = 'ignore'
  const stranger = '52:54:00:00:00:99'
  const script = () => ask({ url: `/boot.ipxe?mac=${stranger.replaceAll(':', '-')}` })
  const session = () =>
    ask({ method: 'POST', url: '/agent/session', payload: { ...newAgent(), sealing: undefined, mac: stranger } })
  assert.match((await script()).payload, /unknown machines are ignored/)
  assert.equal((await session()).statusCode, 403)
  assert.equal(await machines.findByMac(parseMac(stranger)), undefined, 'nothing is recorded of it')
  await machines.set('rack-9', { macs: [parseMac(stranger)] })
  assert.doesNotMatch((await script()).payload, /unknown machines are ignored/)
  assert.equal((await session()).statusCode, 200)
})

test('a stranger whom a group claims by what its agent reports gets the group, its policy and its name', async (t) => {
  const site = await plane(t)
  const stranger = parseMac('52:54:00:00:00:99')
  site.newcomers.of = (newcomer) => {
    const group =
      newcomer.group ??
      claimingGroup(
        [
          ['store', [{ serial: 'ST*' }]],
          ['web', [{ serial: 'WEB*' }]],
        ],
        newcomer,
      )
    if (group === 'web')
      return { unknown: 'approve', nameFromDns: false, name: 'web-{number}', group, claimedBy: group }
    if (group === 'store') return { unknown: 'ignore', nameFromDns: false, group, claimedBy: group }
    return { unknown: 'discover', nameFromDns: false }
  }
  const comes = async (serial: string) => {
    const machine = (await site.machines.noticed(stranger, 'it sent a DHCP DISCOVER'))!
    const token = mintBootToken(site.tokenKey, {
      ...{ nonce: randomBytes(bootNonceBytes), expiresAtSeconds: site.clock.nowMs / 1000 + 600, mac: stranger },
      ...{ address: parseIpv4(address), intentRevision: machine.intent.revision },
    })
    const agent = newAgent()
    const payload = { mac: stranger, publicKey: agent.publicKey, nonce: agent.nonce, token }
    const opened = await site.ask({ method: 'POST', url: '/agent/session', payload })
    if (opened.statusCode !== 200) return undefined
    const card = { name: 'eth0', mac: stranger, linkUp: true, bootedFrom: true }
    const found = { ...inventory([]), smbios: { serial }, interfaces: [card] }
    const headers = { authorization: `Bearer ${opened.json().session}` }
    assert.equal((await site.ask({ method: 'POST', url: '/agent/inventory', headers, payload: found })).statusCode, 204)
    return (await site.machines.findByMac(stranger))!
  }
  const ignored = await comes('ST1')
  assert.deepEqual([ignored?.group, ignored?.approved], ['store', false])
  assert.ok(site.events.some(({ message }) => /of the group store are ignored: from its next boot on/.test(message)))
  assert.equal(await comes('ST1'), undefined, 'it is in that group now')
  await site.machines.remove(ignored!.name)
  const approved = await comes('WEB7')
  assert.deepEqual([approved?.name, approved?.group, approved?.approved], ['web-1', 'web', true])
  assert.ok(site.events.some(({ message }) => message === 'web-1 is approved as every machine of the group web'))
})
