import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { get } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { SocketInUse, serveManagement } from '../api/management-listeners.ts'
import { parseMac } from '../bytes/mac.ts'
import type { Deployment } from '../core/deployment.ts'
import type { Machine } from '../core/machine.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import type { ServiceError } from './client.ts'
import { service, until } from './management.fixture.ts'

test('management over TCP answers 401 without the token and 200 with it', async (t) => {
  const { port, token } = await service(t)
  const url = `http://127.0.0.1:${port}/api/v1/machines/`
  assert.equal(await statusOf(url), 401)
  assert.equal(await statusOf(url, { authorization: `Bearer ${token.slice(0, -1)}x` }), 401)
  assert.equal(await statusOf(url, { authorization: `Bearer ${token}` }), 200)
})

test('management takes local commands by the permissions of its socket', async (t) => {
  const { socketPath, client } = await service(t)
  assert.equal((await stat(socketPath)).mode & 0o777, 0o600)
  const settings = { macs: ['52:54:00:00:00:01'], address: '10.0.0.5' }
  const { machine } = await client.request<{ machine: Machine }>('PUT', '/api/v1/machines/rack-1', settings)
  assert.deepEqual([machine.name, machine.macs, machine.intent.kind], ['rack-1', ['52:54:00:00:00:01'], 'local'])
})

test('serveManagement() leaves a service that answers its socket alone', async (t) => {
  const { app, socketPath, client } = await service(t)
  const tcp = { host: '127.0.0.1', port: 0 }
  await assert.rejects(serveManagement(app, { socketPath, tcp }, new AbortController().signal), SocketInUse)
  await client.request('GET', '/api/v1/status')
})

test('PUT /machines/NAME refuses a MAC of another machine, and unknown fields', async (t) => {
  const { client } = await service(t)
  const macs = ['52:54:00:00:00:01']
  await client.request('PUT', '/api/v1/machines/one', { macs })
  const refused = async (name: string, body: object) =>
    client.request('PUT', `/api/v1/machines/${name}`, body).then(
      () => assert.fail('it was accepted'),
      (error: ServiceError) => error,
    )
  assert.match((await refused('two', { macs })).message, /already belongs to the machine "one"/)
  assert.equal((await refused('two', { macs: ['52:54:00:00:00:02'], colour: 'red' })).status, 400)
  assert.match((await refused('two', { macs: ['nonsense'] })).message, /"nonsense" is not six hexadecimal bytes/)
  assert.match((await refused('two', {})).message, /to make it, give at least one MAC address/)
})

test('PATCH /machines/ changes what a selector chooses, first for show, and refuses what is of one machine', async (t) => {
  const { client, machines } = await service(t)
  for (const name of ['web-1', 'web-2', 'db-1']) {
    await machines.set(name, { macs: [parseMac(`52:54:00:00:00:${name === 'db-1' ? '0' : '1'}${name.at(-1)}`)] })
  }
  const patch = (body: object) => client.request<{ machines: { name: string }[] }>('PATCH', '/api/v1/machines/', body)
  const edit = { where: 'name=web-*', settings: { group: 'web', labels: { rack: '3' } } }
  const namesOf = ({ machines: list }: { machines: { name: string }[] }) => list.map(({ name }) => name)
  assert.deepEqual(namesOf(await patch({ ...edit, dryRun: true })), ['web-1', 'web-2'])
  assert.equal((await machines.get('web-1')).group, 'default')
  assert.deepEqual(namesOf(await patch(edit)), ['web-1', 'web-2'])
  const path = `/api/v1/machines/?where=${encodeURIComponent('group=web,label.rack=3,state=ready')}`
  assert.deepEqual(namesOf(await client.request('GET', path)), ['web-1', 'web-2'])
  await assert.rejects(patch({ ...edit, where: 'colour=red' }), {
    name: 'ServiceError',
    message: /there is no "colour"/,
  })
  await assert.rejects(patch({ where: 'name=*', settings: { address: '10.0.0.1' } }), { status: 400 })
  await assert.rejects(patch({ where: 'name=x', settings: { group: 'web' } }), { status: 404 })
})

test('GET /events/stream gives the past, then what happens, without a gap or a repeat', async (t) => {
  const { client, machines } = await service(t)
  await client.request('PUT', '/api/v1/machines/one', { macs: ['52:54:00:00:00:01'] })
  const stop = new AbortController()
  const seen: number[] = []
  const reading = (async () => {
    for await (const { sequence } of client.events({ machine: 'one', after: 0 }, stop.signal)) seen.push(sequence)
  })()
  await until(async () => seen.length === 1)
  for (const kind of ['discover', 'local', 'discover'] as const) await machines.set('one', { intent: { kind } })
  await until(async () => seen.length === 4)
  stop.abort()
  await reading
  assert.deepEqual(seen, [1, 2, 3, 4])
})

test('POST /images/NAME/versions says what is wrong with a source and keeps nothing', async (t) => {
  const { client, directory } = await service(t)
  const lines: { kind: string; problem?: { detail: string } }[] = []
  const source = { kind: 'tar', path: join(directory, 'missing.tar') }
  for await (const line of client.lines<(typeof lines)[0]>('POST', '/api/v1/images/debian/versions', { source })) {
    lines.push(line)
  }
  assert.match(lines.at(-1)?.problem?.detail ?? '', /missing\.tar/)
  assert.deepEqual((await client.request<{ images: unknown[] }>('GET', '/api/v1/images/')).images, [])
})

test('POST /deployments/rollback queues the version before, and says what a machine has otherwise', async (t) => {
  const { client, deployments, machines } = await service(t)
  const rollback = (body: object) =>
    client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments/rollback', { machine: 'rack-1', ...body })
  await assert.rejects(rollback({}), { name: 'ServiceError', status: 404 })
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  await assert.rejects(rollback({}), /rack-1 was never deployed/)
  const [older, newer] = ['a'.repeat(64), 'b'.repeat(64)]
  const { id } = await deployments.create(machine, {
    ...{ image: 'debian', version: newer, rendition: 'btrfs', diskRule: {}, layout: findReadyLayout('versions')! },
    ...{ filesystem: 'btrfs', handOver: 'reboot', kernelArguments: [], proofSeconds: 60 },
  })
  await deployments.running(id)
  const counts = { bytesFetched: 1, bytesWritten: 1, bytesReused: 0 }
  await deployments.written(id, { ...counts, sshHostKeys: [], keptVersions: [newer, older] })
  await assert.rejects(
    rollback({ to: 'cc' }),
    /does not have version cc: rack-1 has bbbbbbbbbbbb \(booted\), aaaaaaaaaaaa/,
  )
  await assert.rejects(rollback({ to: 'newest' }), { name: 'ServiceError', status: 400 })
  const { deployment } = await rollback({})
  assert.deepEqual([deployment.kind, deployment.version, deployment.state], ['rollback', older, 'queued'])
  assert.equal((await machines.get('rack-1')).intent.kind, 'deploy')
})

test('POST /deployments/retry repeats what was cancelled, and says why where there is nothing to repeat', async (t) => {
  const { client, deployments, machines } = await service(t)
  const retry = () =>
    client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments/retry', { machine: 'rack-1' })
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  await assert.rejects(retry(), /rack-1 was never deployed/)
  const first = await deployments.create(machine, {
    ...{ kind: 'rollback', image: 'debian', version: 'a'.repeat(64), rendition: 'btrfs', diskRule: { serial: 'ROOT' } },
    ...{ filesystem: 'btrfs', handOver: 'kexec', kernelArguments: ['quiet'], proofSeconds: 60 },
    layout: findReadyLayout('receive')!,
  })
  await assert.rejects(retry(), /is queued, nothing of it has failed/)
  await deployments.cancel(first.id)
  const { deployment } = await retry()
  assert.deepEqual(deployment.retry, { of: first.id, goesOn: false })
  assert.deepEqual(
    [deployment.kind, deployment.handOver, deployment.diskRule],
    ['rollback', 'kexec', { serial: 'ROOT' }],
  )
  assert.equal((await machines.get('rack-1')).intent.deploymentId, deployment.id)
})

test('PUT /hand-over chooses for a group or a model, and a machine has its own or none', async (t) => {
  const { client } = await service(t)
  const rules = async () => (await client.request<{ rules: object[] }>('GET', '/api/v1/hand-over/')).rules
  await client.request('PUT', '/api/v1/hand-over/model/Power%20Edge%2FR640', { handOver: 'kexec' })
  await client.request('PUT', '/api/v1/hand-over/group/compute', { handOver: 'reboot' })
  await client.request('PUT', '/api/v1/hand-over/group/compute', { handOver: 'kexec' })
  assert.deepEqual(await rules(), [
    { scope: 'group', name: 'compute', handOver: 'kexec' },
    { scope: 'model', name: 'Power Edge/R640', handOver: 'kexec' },
  ])
  await client.request('DELETE', '/api/v1/hand-over/group/compute')
  const again = client.request('DELETE', '/api/v1/hand-over/group/compute')
  await assert.rejects(again, { name: 'ServiceError', status: 404 })
  const wrong = client.request('PUT', '/api/v1/hand-over/room/1', { handOver: 'kexec' })
  await assert.rejects(wrong, { name: 'ServiceError', status: 400 })

  type Answer = { machine: { handOver?: string } }
  const put = (body: object) => client.request<Answer>('PUT', '/api/v1/machines/rack-1', body)
  assert.equal((await put({ macs: ['52:54:00:00:00:01'], handOver: 'kexec' })).machine.handOver, 'kexec')
  assert.equal((await put({ handOver: null })).machine.handOver, undefined)
})

test('PUT /publications/IMAGE refuses an image that is not there', async (t) => {
  const { client } = await service(t)
  const putting = client.request('PUT', '/api/v1/publications/debian', { networks: ['10.0.0.0/8'] })
  await assert.rejects(putting, { name: 'ServiceError', status: 404 })
  assert.deepEqual(await client.request('GET', '/api/v1/publications/'), { publications: [] })
})

function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    }).once('error', reject)
  })
}

test('POST /orders/ orders one thing of many machines, and tells each that cannot', async (t) => {
  const { client, machines } = await service(t)
  for (const [name, last] of [
    ['one', '1'],
    ['two', '2'],
  ])
    await machines.set(name!, { macs: [parseMac(`52:54:00:00:00:0${last}`)] })
  const order = { kind: 'errand', work: { kind: 'wipe', disks: 'all', method: 'auto' } }
  const place = (names: string[], more: object = {}) =>
    client.request<{ placed: { machine: string; errandId?: string; refused?: string }[] }>('POST', '/api/v1/orders/', {
      ...{ machines: names, order },
      ...more,
    })
  await assert.rejects(place(['one', 'tow']), /no machine "tow"/)
  assert.equal((await machines.get('one')).intent.kind, 'local', 'nothing was ordered of the others')
  await place(['one'])
  const { placed } = await place(['one', 'two', 'two'])
  assert.match(placed[0]?.refused ?? '', /the order wipe under way/)
  assert.deepEqual([placed.length, (await machines.get('two')).intent.errandId], [2, placed[1]?.errandId])
  await place(['one'], { at: Date.now() + 3600_000 })
  const { scheduled } = await client.request<{ scheduled: { state: string; machines: string[] }[] }>(
    'GET',
    '/api/v1/orders/scheduled',
  )
  assert.deepEqual([scheduled[0]?.state, scheduled[0]?.machines], ['waiting', ['one']])
})
