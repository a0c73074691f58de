import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ConsoleMenuPolicy, MenuChoice, MenuOffer } from '../core/console-menu.ts'
import type { Disk } from '../core/inventory.ts'
import { type DeployOrder, type Order, openOrder } from '../core/order.ts'
import { deploy, inventory, newAgent, openSession, plane } from './boot-plane.fixture.ts'

/** Of "Hello world!", as `openssl passwd -6` writes it. */
const passwordHash =
  '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1'

const disk: Disk = {
  ...{ device: '/dev/vda', bus: 'virtio', serial: 'S1', sizeBytes: 4 * 2 ** 30, logicalSectorBytes: 512 },
  ...{ physicalSectorBytes: 512, rotational: false, removable: false, readOnly: false },
}
const choice: MenuChoice = { image: 'debian', disk: { serial: 'S1' }, layout: 'whole-disk', transfer: 'http' }

type Visit = { policy?: ConsoleMenuPolicy; approved?: boolean; withToken?: boolean }

/** A machine's agent before the boot plane, with a session, an inventory and an image to choose. */
async function visit(t: TestContext, { policy = { who: 'approved' }, approved = true, withToken = true }: Visit = {}) {
  const site = await plane(
    t,
    () => undefined,
    () => policy,
  )
  await site.machines.set('rack-1', { approved, intent: { kind: 'menu' } })
  const { id: version } = await site.put('debian', { 'etc/hostname': 'x' }, 'with a comment')
  const arrive = async (token?: string) => {
    const agent = newAgent()
    const { session } = (await openSession(site, agent, token)).json() as { session: string }
    const headers = { authorization: `Bearer ${session}` }
    const payload = { ...inventory([]), disks: [disk] }
    await site.ask({ method: 'POST', url: '/agent/inventory', headers, payload })
    const order = async (query = '') => {
      const answer = await site.ask({ url: `/agent/order${query}`, headers })
      return openOrder(answer.json(), site.orderPublicKey, agent.nonce) as Order
    }
    const offer = async () => (await site.ask({ url: '/agent/menu', headers })).json() as MenuOffer
    const choose = (changes: Partial<MenuChoice> = {}) =>
      site.ask({ method: 'POST', url: '/agent/menu/deploy', headers, payload: { ...choice, ...changes } })
    return { order, offer, choose }
  }
  return { site, version, arrive, ...(await arrive(withToken ? await site.mint() : undefined)) }
}

const visitors: [string, Visit][] = [
  ['approved, by our DHCP', {}],
  ['not approved, by our DHCP', { approved: false }],
  ["approved, by another's DHCP", { withToken: false }],
  ["not approved, by another's DHCP", { approved: false, withToken: false }],
]
const allowed: Record<ConsoleMenuPolicy['who'], boolean[]> = {
  approved: [true, false, false, false],
  known: [true, true, false, false],
  anyone: [true, true, true, true],
}

for (const [who, verdicts] of Object.entries(allowed) as [ConsoleMenuPolicy['who'], boolean[]][]) {
  for (const [index, [what, visitor]] of visitors.entries()) {
    test(`the console menu for ${who} ${verdicts[index] ? 'serves' : 'refuses'} a machine that is ${what}`, async (t) => {
      const { offer, choose } = await visit(t, { ...visitor, policy: { who } })
      const { provision, images } = await offer()
      const answer = await choose()
      assert.deepEqual([provision.kind, answer.statusCode], verdicts[index] ? ['allowed', 200] : ['refused', 403])
      assert.equal(images.length, verdicts[index] ? 1 : 0)
      if (provision.kind === 'refused') assert.equal(answer.json().detail, provision.reason)
    })
  }
}

test('GET /agent/menu tells images with their versions, layouts and transfers', async (t) => {
  const { offer, version, site } = await visit(t)
  const { images, layouts, transfers, provision } = await offer()
  assert.deepEqual(provision, { kind: 'allowed', needsPassword: false })
  const [{ createdAt, sizeBytes, ...told }] = images[0]!.versions as [MenuOffer['images'][0]['versions'][0]]
  assert.deepEqual(told, { id: version, tags: ['current'], comment: 'with a comment', isWholeDisk: false })
  assert.ok(createdAt > 0 && sizeBytes > 0)
  assert.ok(layouts.some(({ name }) => name === 'receive'))
  assert.deepEqual(transfers, [{ name: 'http', title: 'HTTP, from this server' }])
  assert.equal((await site.ask({ url: '/agent/menu' })).statusCode, 401)
})

test('POST /agent/menu/deploy makes an ordinary deployment, which the next order is; a lost answer does no harm', async (t) => {
  const { choose, order, site, version } = await visit(t)
  assert.equal((await order()).kind, 'menu')
  const first = (await choose({ filesystem: 'xfs' })).json()
  assert.equal(first.kind, 'ordered')
  const ordered = (await order('?shown=true')) as DeployOrder
  assert.deepEqual(
    [ordered.kind, ordered.deploymentId, ordered.version, ordered.diskRule, ordered.filesystem],
    ['deploy', first.deploymentId, version, { serial: 'S1' }, 'xfs'],
  )
  assert.deepEqual((await choose()).json(), first)
  assert.equal((await site.deployments.list()).length, 1)
  assert.ok(site.events.some(({ message }) => message === 'rack-1 was told at its console to write this'))
})

test('POST /agent/menu/deploy refuses in words what would fail, and what is under way', async (t) => {
  const { choose, site } = await visit(t)
  const detail = async (changes: Partial<MenuChoice>) => (await choose(changes)).json().detail as string
  assert.match(await detail({ disk: { serial: 'S2' } }), /no disk matches the rule \(serial=S2\).*serial S1/)
  assert.match(await detail({ layout: 'receive' }), /layout receive does not fit/)
  assert.match(await detail({ layout: 'none-such' }), /There is no layout "none-such"/)
  assert.match(await detail({ image: 'nothing' }), /nothing/)
  assert.deepEqual(await site.deployments.list(), [])
  await deploy(site)
  assert.match(await detail({}), /rack-1 has a deployment under way/)
})

test('an anonymous session gets the order that it chose, signed for it, and no other session gets that', async (t) => {
  const { choose, order, arrive, site } = await visit(t, { withToken: false, policy: { who: 'anyone' } })
  assert.equal((await order()).kind, 'menu', 'nothing else leads it to the menu')
  const { deploymentId } = (await choose()).json()
  const ordered = (await order('?shown=true')) as DeployOrder
  assert.deepEqual([ordered.kind, ordered.deploymentId], ['deploy', deploymentId])
  const impostor = await arrive(await site.mint())
  // Held as long as a request is: the machine's change ends it.
  const changes = setInterval(() => void site.machines.set('rack-1', { group: 'other' }), 50)
  t.after(() => clearInterval(changes))
  assert.equal((await impostor.order()).kind, 'wait')
  clearInterval(changes)
})

for (const [who, may] of [
  ['anyone', /without a boot token: it gets what is chosen at its console, and nothing else$/],
  ['approved', /without a boot token: it may only look around$/],
] as const) {
  test(`the timeline says what a machine without a boot token may, where its console is for ${who}`, async (t) => {
    const { site } = await visit(t, { withToken: false, policy: { who } })
    const up = site.events.filter(({ message }) => message.startsWith('the agent is up'))
    assert.match(up.map(({ message }) => message).join(), may)
  })
}

test('an anonymous session gets no deployment that was ordered for the machine', async (t) => {
  const { order, site } = await visit(t, { withToken: false, policy: { who: 'anyone' } })
  await deploy(site)
  assert.equal((await order()).kind, 'menu')
})

test('GET /agent/order gives the menu to who chose it from the loader, although the machine is to boot its disk', async (t) => {
  const { order, site } = await visit(t)
  await site.machines.set('rack-1', { intent: { kind: 'local' } })
  assert.equal((await order()).kind, 'reboot')
  assert.equal((await order('?chosen=true')).kind, 'menu')
})

test('POST /agent/menu/deploy wants the password of the site, and lets it be guessed five times', async (t) => {
  const { choose, offer, site } = await visit(t, { policy: { who: 'approved', password: passwordHash } })
  assert.deepEqual((await offer()).provision, { kind: 'allowed', needsPassword: true })
  assert.match((await choose()).json().detail, /wants a password/)
  for (let guess = 1; guess <= 5; guess++) {
    assert.match((await choose({ password: `guess ${guess}` })).json().detail, /^The password is wrong$/)
  }
  assert.equal(site.events.filter(({ kind }) => kind === 'security').length, 5)
  assert.match((await choose({ password: 'Hello world!' })).json().detail, /too often; try again in 600 s/)
  site.clock.nowMs += 600_000
  assert.equal((await choose({ password: 'Hello world!' })).json().kind, 'ordered')
})

test('the console menu offers the images of the site file alone', async (t) => {
  const { choose, offer, site } = await visit(t, { policy: { who: 'approved', images: ['kiosk'] } })
  await site.put('kiosk', { 'etc/hostname': 'y' })
  assert.deepEqual(
    (await offer()).images.map(({ name }) => name),
    ['kiosk'],
  )
  const answer = await choose({ image: 'debian' })
  assert.deepEqual([answer.statusCode, answer.json().detail], [403, 'This site does not offer debian at the console'])
  assert.equal((await choose({ image: 'kiosk' })).json().kind, 'ordered')
})

test('POST /agent/menu/deploy by kernel arguments writes a version once, and again only where that is said', async (t) => {
  const { choose, site, arrive } = await visit(t)
  const { deploymentId } = (await choose({ unattended: true })).json()
  await site.deployments.running(deploymentId)
  await site.deployments.written(deploymentId, { bytesFetched: 1, bytesWritten: 1, bytesReused: 0, sshHostKeys: [] })
  const next = await arrive(await site.mint())
  const refused = await next.choose({ unattended: true })
  assert.equal(refused.statusCode, 409)
  assert.match(refused.json().detail, /was written to rack-1 before.*say bootwright\.again/)
  await site.put('debian', { 'etc/hostname': 'newer' })
  const newer = (await next.choose({ unattended: true })).json()
  assert.equal(newer.kind, 'ordered', 'another version')
  await site.deployments.cancel(newer.deploymentId)
  const { version } = await site.deployments.get(deploymentId)
  const again = await next.choose({ image: `debian@${version}`, unattended: true, again: true })
  assert.equal(again.json().kind, 'ordered')
})
