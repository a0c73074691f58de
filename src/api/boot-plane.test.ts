import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Check } from 'typebox/value'
import type { SessionReply } from '../core/agent-protocol.ts'
import { type DeployOrder, type ErrandOrder, Order, openOrder } from '../core/order.ts'
import { unseal } from '../core/seal.ts'
import { deploy, inventory, newAgent, openSession, plane } from './boot-plane.fixture.ts'

test('GET /boot.ipxe renders the agent with the token for a deploy intent, and HEAD does not count as a boot', async (t) => {
  const site = await plane(t)
  const { id } = await deploy(site)
  const url = `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}`
  assert.equal((await site.ask({ method: 'HEAD', url })).statusCode, 200)
  assert.equal((await site.deployments.get(id)).state, 'queued')
  const script = (await site.ask({ url })).body
  assert.match(script, /^kernel --name vmlinuz http:\/\/10\.77\.0\.1:4280\/ramdisk\/abc\/vmlinuz .*bootwright\.token=/m)
  assert.equal((await site.deployments.get(id)).state, 'booting')
})

test('GET /boot.ipxe adds the firmware archive until the inventory says that no driver wants it', async (t) => {
  const site = await plane(t)
  await deploy(site)
  const script = async () =>
    (await site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}` })).body
  assert.match(await script(), /^initrd .*firmware\.cpio\.zst/m)
  await site.machines.recordInventory(site.machine.id, inventory(['virtio_net']), true)
  assert.doesNotMatch(await script(), /firmware/)
  await site.machines.recordInventory(site.machine.id, inventory(['bnx2x', 'virtio_net']), true)
  assert.match(await script(), /^initrd .*firmware\.cpio\.zst/m)
})

test('GET /boot.ipxe with a VLAN tells it to the agent, and refuses what is none', async (t) => {
  const site = await plane(t)
  await deploy(site)
  const ask = async (vlan: string) =>
    site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}&vlan=${vlan}` })
  assert.match((await ask('42')).body, / BOOTIF=01-52-54-00-00-00-01 bootwright\.vlan=42 /)
  for (const vlan of ['0', '4095', '42%20quiet']) assert.equal((await ask(vlan)).statusCode, 400, vlan)
})

test('GET /boot.grub gives an arm64 machine its own ramdisk and console, or says that the site has none', async (t) => {
  const site = await plane(t)
  await deploy(site)
  const script = async (architecture: string) =>
    (await site.ask({ url: `/boot.grub?mac=52-54-00-00-00-01&arch=${architecture}&token=${await site.mint()}` })).body
  assert.match(
    await script('arm64'),
    /refused: the server has no ramdisk for arm64: name it under architectures in its site file/,
  )
  site.ramdisks.arm64 = { kind: 'making' }
  assert.match(await script('arm64'), /refused: the server is still making its ramdisk/)
  site.ramdisks.arm64 = {
    kind: 'ready',
    ramdisk: { id: 'def', kernel: 'vmlinuz', initrds: ['tools.cpio.zst'], files: [] },
  }
  assert.match(
    await script('arm64'),
    /linux '\(http,10\.77\.0\.1:4280\)\/ramdisk\/def\/vmlinuz' .*'console=ttyAMA0,115200'/,
  )
  assert.match(await script('x64'), /\/ramdisk\/abc\/vmlinuz' .*'console=ttyS0,115200';/)
})

test('GET /boot.ipxe refuses a token that was made for another address', async (t) => {
  const site = await plane(t)
  await deploy(site)
  const url = `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}`
  const script = (await site.ask({ url, remoteAddress: '10.77.0.66' })).body
  assert.match(script, /refused: boot token: it was not made for this address/)
  assert.doesNotMatch(script, /^kernel/m)
})

test('GET /boot.ipxe lets a machine that was reset in the middle of a deployment begin again', async (t) => {
  const site = await plane(t)
  const { id } = await deploy(site)
  const boot = async () => site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}` })
  const stateNow = async () => (await site.deployments.get(id)).state
  await boot()
  await site.deployments.running(id)
  await site.deployments.stepStarted(id, 'write')
  assert.match((await boot()).body, /^kernel /m)
  assert.equal(await stateNow(), 'booting')
  await site.deployments.running(id)
  assert.equal(await stateNow(), 'running')
})

test('GET /boot.ipxe starts a machine no more into a deployment in which its boots get no further', async (t) => {
  const site = await plane(t)
  const { id } = await deploy(site)
  for (let boot = 1; boot <= 3; boot++) {
    const { body } = await site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}` })
    assert.match(body, /bootwright\.token=/, `boot ${boot}`)
  }
  const { body } = await site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}` })
  assert.match(body, /refused: its deployment failed at boot: it was booted 3 times/)
  assert.equal((await site.deployments.get(id)).state, 'failed')
  const local = await site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}` })
  assert.match(local.body, /boots its own disk/)
})

test('GET /boot.ipxe starts a machine no more into a wipe in which its boots get no further', async (t) => {
  const site = await plane(t)
  const { id } = await site.errands.create(site.machine, { kind: 'wipe', disks: 'all', method: 'auto' }, { once: true })
  const boot = async () => (await site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}` })).body
  for (let count = 1; count <= 3; count++) assert.match(await boot(), /bootwright\.token=/, `boot ${count}`)
  assert.match(await boot(), /refused: its order wipe failed at boot: it was booted 3 times/)
  assert.equal((await site.errands.get(id)).state, 'failed')
  assert.match(await boot(), /boots its own disk/)
})

test('GET /boot.ipxe without a token shows a deployment to nobody', async (t) => {
  const site = await plane(t)
  const { id } = await deploy(site)
  assert.match((await site.ask({ url: '/boot.ipxe?mac=52-54-00-00-00-01' })).body, /^kernel /m)
  assert.equal((await site.deployments.get(id)).state, 'queued')
})

test('GET /boot.ipxe sends a local machine to its own disk, token or none', async (t) => {
  const site = await plane(t)
  assert.match((await site.ask({ url: '/boot.ipxe?mac=52:54:00:00:00:01' })).body, /boots its own disk/)
})

test('POST /agent/session refuses a second exchange of a boot token, freezes the deployment and says so', async (t) => {
  const site = await plane(t)
  const { id } = await deploy(site)
  const token = await site.mint()
  const agent = newAgent()
  assert.equal((await openSession(site, agent, token)).statusCode, 200)
  assert.equal((await openSession(site, agent, token)).statusCode, 200, 'the same key may ask again')
  assert.equal((await site.deployments.get(id)).state, 'queued')
  await site.deployments.running(id)
  assert.equal((await openSession(site, newAgent(), token)).statusCode, 403)
  assert.equal((await site.deployments.get(id)).state, 'frozen')
  assert.ok(site.events.some((event) => event.kind === 'security'))
})

test('GET /agent/order gives an anonymous machine nothing, whatever its intent', async (t) => {
  const site = await plane(t)
  await deploy(site)
  const agent = newAgent()
  const { session } = (await openSession(site, agent)).json<SessionReply>()
  const order = await site.orders.orderFor(await site.sessions.authenticate(session))
  assert.equal(order.kind, 'wait')
})

test('an anonymous session does not end the one that a boot token opened', async (t) => {
  const site = await plane(t)
  const { session } = (await openSession(site, newAgent(), await site.mint())).json<SessionReply>()
  await openSession(site, newAgent())
  assert.equal((await site.sessions.authenticate(session)).machineId, site.machine.id)
})

test('a deployment goes from session to proof, its order signed and its secret sealed for one agent', async (t) => {
  const site = await plane(t)
  const { id } = await deploy(site)
  const agent = newAgent()
  const { session } = (await openSession(site, agent, await site.mint())).json<SessionReply>()
  const headers = { authorization: `Bearer ${session}` }
  const signed = (await site.ask({ url: '/agent/order', headers })).json()
  const order = openOrder(signed, site.orderPublicKey, agent.nonce) as DeployOrder
  assert.deepEqual([order.kind, order.deploymentId, order.machine.name], ['deploy', id, 'rack-1'])
  const post = async (url: string, payload: object, authorization = headers.authorization) =>
    (await site.ask({ method: 'POST', url, payload, headers: { authorization } })).statusCode

  assert.equal(await post('/agent/progress', { workId: id, step: 'write', state: 'started' }), 204)
  assert.equal(await post('/agent/progress', { workId: id, step: 'write', state: 'progress', bytesDone: 5 }), 204)
  assert.equal(await post('/agent/progress', { workId: 'another', step: 'write', state: 'started' }), 404)
  const written = { deploymentId: id, bytesFetched: 1, bytesWritten: 2, sshHostKeys: [] }
  assert.equal(await post('/agent/written', written), 204)
  assert.equal((await site.machines.get('rack-1')).intent.kind, 'local')
  assert.equal(await post('/agent/handover', {}), 204)

  const stream = { deploymentId: id, versions: ['b'.repeat(64)] }
  assert.equal(await post('/agent/stream', stream), 409, 'there is no such version that it could be made of')

  const { proofToken } = JSON.parse(Buffer.from(unseal(order.sealed, agent.sealing.privateKey)).toString())
  assert.equal(await post('/agent/proof', {}, `Bearer ${id}.${'x'.repeat(43)}`), 403)
  assert.equal(await post('/agent/proof', {}, `Bearer ${proofToken}`), 204)
  assert.equal((await site.deployments.get(id)).state, 'proved')
})

test('boot plane has no management routes, and says what is wrong as problem+json', async (t) => {
  const site = await plane(t)
  const missing = await site.ask({ url: '/api/v1/machines/' })
  assert.equal(missing.statusCode, 404)
  assert.match(String(missing.headers['content-type']), /application\/problem\+json/)
  const malformed = await site.ask({ method: 'POST', url: '/agent/session', payload: { mac: 'x' } })
  assert.equal(malformed.statusCode, 400)
  assert.equal((await site.ask({ url: '/agent/order' })).statusCode, 401)
})

test('GET /boot.pxelinux offers the menu of a machine without an order, and gives each entry its script', async (t) => {
  const rescue = { name: 'rescue', title: 'Rescue system', kernel: 'rescue/vmlinuz', arguments: ['ro'] }
  const entries = [{ name: 'disk', title: 'Its disk', boot: 'disk' as const }, rescue]
  const site = await plane(t, () => ({ timeoutSeconds: 5, defaultEntry: 'disk', entries }))
  const url = `/boot.pxelinux?mac=52-54-00-00-00-01&token=${await site.mint()}`
  const menu = (await site.ask({ url })).body
  assert.match(menu, /^TIMEOUT 50$/m)
  assert.ok(menu.includes(`  CONFIG http://10.77.0.1:4280${url}&entry=rescue\n`), menu)
  assert.match((await site.ask({ url: `${url}&entry=disk` })).body, /^ {2}LOCALBOOT 0$/m)
  const kernel = (await site.ask({ url: `${url}&entry=rescue` })).body
  assert.match(kernel, /^ {2}KERNEL http:\/\/10\.77\.0\.1:4280\/rescue\/vmlinuz\n {2}APPEND ro$/m)
  assert.match((await site.ask({ url: `${url}&entry=gone` })).body, /refused: the menu has no entry gone any more/)
  assert.match(site.events.at(-2)!.message, /the kernel \/rescue\/vmlinuz, chosen from the menu \(rescue\)$/)
  await deploy(site)
  const order = `/boot.pxelinux?mac=52-54-00-00-00-01&token=${await site.mint()}`
  assert.match((await site.ask({ url: order })).body, /bootwright\.token=/, 'an order comes before the menu')
})

test('GET /boot.ipxe leads to the console menu where the intent is menu and the site has none of its own', async (t) => {
  const site = await plane(t)
  await site.machines.set('rack-1', { intent: { kind: 'menu' } })
  const script = (await site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}` })).body
  assert.match(script, /^kernel .*bootwright\.token=/m)
  assert.doesNotMatch(script, /bootwright\.menu/, 'the intent says it')
})

test("GET /boot.ipxe shows the site's menu patiently where the intent is menu, and its agent shows the console menu", async (t) => {
  const entries = [
    { name: 'disk', title: 'Its disk', boot: 'disk' as const },
    { name: 'choose', title: 'Choose', boot: 'agent' as const },
  ]
  const site = await plane(t, () => ({ timeoutSeconds: 5, entries }))
  for (const [kind, timeout] of [
    ['local', true],
    ['menu', false],
  ] as const) {
    await site.machines.set('rack-1', { intent: { kind } })
    const url = `/boot.ipxe?mac=52-54-00-00-00-01&token=${await site.mint()}`
    const menu = (await site.ask({ url })).body
    assert.equal(/--timeout/.test(menu), timeout, menu)
    assert.match((await site.ask({ url: `${url}&entry=choose` })).body, /^kernel .* bootwright\.menu \|\|/m)
  }
})

test('an errand goes from the order to its end: script, output, a step of its kind alone, done', async (t) => {
  const site = await plane(t)
  const { id } = await site.errands.create(
    site.machine,
    {
      kind: 'run',
      name: 'hello.sh',
      script: Buffer.from('echo hello').toString('base64'),
      arguments: [],
      timeoutSeconds: 60,
      afterwards: 'stay',
    },
    { once: true },
  )
  const token = await site.mint()
  const url = `/boot.ipxe?mac=52-54-00-00-00-01&token=${token}`
  assert.match((await site.ask({ url })).body, /bootwright\.token=/)
  assert.equal((await site.errands.get(id)).state, 'booting')
  const agent = newAgent()
  const { session } = (await openSession(site, agent, token)).json() as { session: string }
  const headers = { authorization: `Bearer ${session}` }
  const signed = (await site.ask({ url: '/agent/order', headers })).json()
  const order = openOrder(signed, site.orderPublicKey, agent.nonce) as ErrandOrder
  assert.ok(Check(Order, order))
  assert.deepEqual([order.kind, order.errandId, order.work.kind], ['errand', id, 'run'])
  assert.doesNotMatch(signed.order, /ZWNobyBoZWxsbw/, 'a script is asked for apart')
  const { sealed } = (await site.ask({ url: '/agent/script', headers })).json() as { sealed: string }
  assert.equal(Buffer.from(unseal(sealed, agent.sealing.privateKey)).toString(), 'echo hello')
  const post = (path: string, payload: object) =>
    site.ask({ method: 'POST', url: `/agent/${path}`, headers, payload: { workId: id, ...payload } })
  assert.equal((await post('progress', { step: 'run-script', state: 'started' })).statusCode, 204)
  assert.equal((await post('progress', { step: 'partition', state: 'started' })).statusCode, 409)
  assert.equal((await post('output', { offset: 0, text: 'hello\n' })).statusCode, 204)
  assert.equal(await site.errands.readOutput(id), 'hello\n')
  assert.equal((await post('done', { detail: 'status 0', result: { status: 0 } })).statusCode, 204)
  assert.equal((await site.errands.get(id)).state, 'done')
  assert.equal((await site.machines.get('rack-1')).intent.kind, 'local')
})

test('GET /boot.grub boots a kernel of the site, which says by its URL that it is done', async (t) => {
  const site = await plane(t)
  const boot = {
    kernel: 'installer/vmlinuz',
    initrds: ['installer/initrd'],
    arguments: ['host={{name}}', 'mac={{mac}}', 'done={{done}}', 'left={{other}}'],
  }
  const work = { kind: 'kernel' as const, boot, timeoutSeconds: 600 }
  const { id } = await site.errands.create(site.machine, work, { once: true })
  const url = `/boot.grub?mac=52-54-00-00-00-01&token=${await site.mint()}`
  const script = (await site.ask({ url })).body
  assert.match(script, /installer\/vmlinuz' 'host=rack-1' 'mac=52:54:00:00:00:01' 'done=http:.*' 'left=\{\{other\}\}'/)
  assert.equal((await site.errands.get(id)).state, 'booting')
  const done = /done=http:\/\/10\.77\.0\.1:4280(\/agent\/done\/[\w.-]+)/.exec(script)![1]!
  assert.equal((await site.ask({ url: `${done.slice(0, -1)}${done.endsWith('A') ? 'E' : 'A'}` })).statusCode, 403)
  assert.equal((await site.ask({ method: 'HEAD', url: done })).statusCode, 204)
  assert.equal((await site.errands.get(id)).state, 'booting', 'a look')
  assert.equal((await site.ask({ url: done })).statusCode, 204)
  assert.equal((await site.ask({ url: done })).statusCode, 204, 'again')
  assert.equal((await site.errands.get(id)).state, 'done')
  await site.machines.set('rack-1', { intent: { kind: 'kernel', boot: { kernel: 'own/vmlinuz' } } })
  const standing = `/boot.grub?mac=52-54-00-00-00-01&token=${await site.mint()}`
  for (let boots = 0; boots < 2; boots++) assert.match((await site.ask({ url: standing })).body, /own\/vmlinuz/)
})

test('a machine that is rescued has its tools and stays, until somebody restarts it or wants something else', async (t) => {
  const site = await plane(t)
  const work = { kind: 'rescue' as const, sshKeys: ['ssh-ed25519 AAAA'] }
  const { id } = await site.errands.create(site.machine, work, { once: true })
  const token = await site.mint()
  const script = (await site.ask({ url: `/boot.ipxe?mac=52-54-00-00-00-01&token=${token}` })).body
  assert.match(script, /site\.cpio[\s\S]*rescue\.cpio\.zst/, 'over the others')
  const agent = newAgent()
  const { session } = (await openSession(site, agent, token)).json() as { session: string }
  const headers = { authorization: `Bearer ${session}` }
  const ask = async () =>
    openOrder((await site.ask({ url: '/agent/order', headers })).json(), site.orderPublicKey, agent.nonce) as Order
  const order = (await ask()) as ErrandOrder
  assert.deepEqual(order.work, work)
  assert.doesNotMatch(JSON.stringify(order), /salt/)
  const secrets = JSON.parse(Buffer.from(unseal(order.sealed, agent.sealing.privateKey)).toString())
  assert.equal(secrets.passwordHash, '$6$salt$hash')
  await site.errands.done(id, 'root@10.77.0.50 by SSH')
  assert.equal((await site.machines.get('rack-1')).intent.kind, 'local', 'the next boot is from the disk')
  const held = ask()
  await site.orders.departures.request(site.machine)
  assert.deepEqual(await held, { kind: 'reboot', agentNonce: agent.nonce, reason: 'an operator wants it' })
  const { id: deploymentId } = await deploy(site)
  assert.equal((await ask()).kind, 'reboot', 'a deployment finds the disks as they are after a boot')
  assert.equal((await site.deployments.get(deploymentId)).state, 'queued')
})

test('GET /boot.ipxe gives the tools of a rescue to nobody who has no boot token', async (t) => {
  const site = await plane(t)
  await site.errands.create(site.machine, { kind: 'rescue', sshKeys: ['ssh-ed25519 AAAA'] }, { once: true })
  assert.doesNotMatch((await site.ask({ url: '/boot.ipxe?mac=52-54-00-00-00-01' })).body, /rescue/)
})
