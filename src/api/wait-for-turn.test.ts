import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { bootNonceBytes, mintBootToken, readBootToken } from '../boot/boot-token.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { RamdiskQueue } from '../core/ramdisk-queue.ts'
import { mac, newAgent, nowMs, openSession, plane } from './boot-plane.fixture.ts'

test('a machine beyond those that may load the agent waits, is told once, and goes when the first agent is up', async (t) => {
  const site = await plane(t, undefined, undefined, new RamdiskQueue({ atOnce: 1 }))
  await site.machines.set('rack-1', { intent: { kind: 'discover' } })
  const other = parseMac('52:54:00:00:00:02')
  const otherAddress = '10.77.0.51'
  await site.machines.set('rack-2', { macs: [other], intent: { kind: 'discover' } })
  const first = await site.ask({ url: `/boot.ipxe?mac=${mac}&token=${await site.mint()}` })
  assert.match(first.body, /^boot \|\|/m)
  const token = mintBootToken(site.tokenKey, {
    ...{ nonce: randomBytes(bootNonceBytes), expiresAtSeconds: nowMs / 1000 + 5 },
    ...{ address: parseIpv4(otherAddress), mac: other, intentRevision: 0 },
  })
  const askOther = (url: string, method: 'GET' | 'HEAD' = 'GET') =>
    site.ask({ url, method, remoteAddress: otherAddress })
  const url = `/boot.ipxe?mac=${other}&token=${token}`
  await askOther(url, 'HEAD')
  const waiting = await askOther(url)
  assert.match(waiting.body, /number 1 in line, about 1 seconds\nsleep 2$/m)
  const next = /chain --replace --autofree (\S+)/.exec(waiting.body)![1]!.slice(site.url.length)
  const renewed = readBootToken(site.tokenKey, new URL(next, site.url).searchParams.get('token')!, {
    ...{ address: parseIpv4(otherAddress), mac: other, intentRevision: 0, nowSeconds: nowMs / 1000 + 500 },
  })
  assert.equal(renewed.kind, 'valid')
  assert.match((await askOther(next)).body, /in line/)
  const told = site.events.filter(({ message }) => /in line|its turn/.test(message))
  assert.deepEqual(
    told.map(({ message }) => message),
    ['waits for its turn to load, number 1 in line, about 1 s'],
  )
  await openSession(site, newAgent())
  assert.match((await askOther(next)).body, /^boot \|\|/m)
})

test('a machine that boots its own disk never waits', async (t) => {
  const site = await plane(t, undefined, undefined, new RamdiskQueue({ atOnce: 1 }))
  site.ramdiskQueue.ask('another', { address: '10.77.0.99', bytes: 1 }, nowMs)
  const local = await site.ask({ url: `/boot.ipxe?mac=${mac}&token=${await site.mint()}` })
  assert.match(local.body, /boots its own disk/)
})

test('a machine that runs from memory waits for its turn as well, and gives it up when its root is there', async (t) => {
  const site = await plane(t, undefined, undefined, new RamdiskQueue({ atOnce: 1 }))
  const { ramdisks, images, machines, ramdiskQueue } = site
  const { x64 } = ramdisks
  assert.ok(x64.kind === 'ready')
  ramdisks.x64 = { kind: 'ready', ramdisk: { ...x64.ramdisk, ramRoot: { file: 'tools.cpio.zst' } } }
  const { id } = await site.put('web', { 'boot/vmlinuz-6.1.0': 'kernel', 'lib/modules/6.1.0/modules.dep': '' })
  await images.makeRendition(id, 'initrd')
  await machines.set('rack-1', { intent: { kind: 'ramroot', boot: { image: 'web', rendition: 'initrd' } } })
  const token = await site.mint()
  const url = `/boot.ipxe?mac=${mac}&token=${token}`
  ramdiskQueue.ask('another', { address: '10.77.0.99', bytes: 1 }, nowMs)
  assert.match((await site.ask({ url })).body, /waits to load: number 1 in line/)
  assert.deepEqual(await site.ramroots.list(site.machine.id), [], 'it has begun no boot')
  ramdiskQueue.started('another')
  assert.match((await site.ask({ url })).body, /rdinit=/)
  const { session } = (await openSession(site, newAgent(), token)).json() as { session: string }
  assert.equal(ramdiskQueue.status(nowMs).loading, 1, 'the early system may still fetch the root')
  const report = { url: '/agent/ramroot/report', payload: { step: 'ready', detail: '', bytes: 0 } }
  await site.ask({ method: 'POST', ...report, headers: { authorization: `Bearer ${session}` } })
  assert.equal(ramdiskQueue.status(nowMs).loading, 0)
})
