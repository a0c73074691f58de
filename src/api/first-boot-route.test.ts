import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { fastify } from 'fastify'
import { Check } from 'typebox/value'
import { parseMac } from '../bytes/mac.ts'
import { DeploySecrets } from '../core/order.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import { encodePublicKey, unseal } from '../core/seal.ts'
import { AgentOrders } from '../deploy/agent-orders.ts'
import { AgentSessions } from '../deploy/agent-sessions.ts'
import { Deployments } from '../deploy/deployments.ts'
import { Errands } from '../deploy/errands.ts'
import { Machines } from '../deploy/machines.ts'
import { Setups } from '../deploy/setups.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { firstBootRoute } from './first-boot-route.ts'
import { answerWithProblems } from './problem.ts'

/** A machine with a secret, a file of it and a hook, and a deployment that was ordered. */
async function site() {
  const state = new StateChanges(await openStateDatabase(':memory:'))
  const parts = { machines: new Machines(state), deployments: new Deployments(state), errands: new Errands(state) }
  const sessions = new AgentSessions(state)
  const orderKey = generateKeyPairSync('ed25519').privateKey
  const orders = new AgentOrders({ ...parts, sessions, orderKey, proofKey: randomBytes(32) })
  const { machines, deployments } = parts
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const setups = new Setups(state)
  const scope = { kind: 'machine', name: 'rack-1' } as const
  await setups.putVariable({ scope, name: 'password', value: 'hunter22', secret: true })
  await setups.putFile({ scope, path: '/etc/p', template: '{{ password }}', verbatim: false, owner: 'root:root' })
  await setups.putHook({ scope, point: 'first-boot', script: '#!/bin/sh\n', timeoutSeconds: 30 })
  const { id } = await deployments.create(machine, {
    ...{ image: 'debian', version: 'a'.repeat(64), diskRule: {}, layout: findReadyLayout('whole-disk')! },
    ...{ rendition: 'tree', filesystem: 'ext4', handOver: 'reboot', kernelArguments: [], proofSeconds: 60 },
  })
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  const offer = { machine, tokenNonce: 'n', publicKey: encodePublicKey(publicKey), agentNonce: 'a'.repeat(16) }
  const opened = await sessions.open(offer)
  assert.equal(opened.kind, 'opened')
  const bearer = opened.kind === 'opened' ? opened.bearer : ''
  const order = await orders.orderFor(await sessions.authenticate(bearer))
  assert.ok(order.kind === 'deploy')
  const secrets: unknown = JSON.parse(Buffer.from(unseal(order.sealed, privateKey)).toString())
  assert.ok(Check(DeploySecrets, secrets))
  return { orders, deployments, id, order, secrets }
}

test('a deploy order carries hooks, files and secrets in its sealed part alone', async () => {
  const { order, secrets } = await site()
  assert.doesNotMatch(JSON.stringify(order), /hunter22|first-boot/)
  assert.deepEqual(
    secrets.setup?.files.map(({ path, text, mode }) => [path, text, mode]),
    [['/etc/p', 'hunter22', 0o600]],
  )
  assert.equal(secrets.setup?.hooks[0]?.point, 'first-boot')
})

test('POST /agent/first-boot takes the output of a hook from who has the proof token', async (t) => {
  const { orders, deployments, id, secrets } = await site()
  const app = fastify()
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  answerWithProblems(app)
  app.register(firstBootRoute({ orders, deployments }), { prefix: '/agent' })
  t.after(() => app.close())
  const tell = async (query: string, bearer = secrets.proofToken, payload = 'it is hunter22\n') => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'text/plain' }
    return (await app.inject({ method: 'POST', url: `/agent/first-boot?${query}`, headers, payload })).statusCode
  }
  assert.equal(await tell('hook=1&status=0&seconds=2', `${id}.${'x'.repeat(43)}`), 403)
  for (const query of ['hook=0&status=0&seconds=2', 'hook=1&status=x&seconds=2', 'hook=1&status=0']) {
    assert.equal(await tell(query), 400, query)
  }
  assert.equal(await tell('hook=2&status=0&seconds=2'), 404)
  assert.equal(await tell('hook=1&status=0&seconds=2', secrets.proofToken, 'x'.repeat(70_000)), 413)
  assert.equal(await tell('hook=1&status=0&seconds=2'), 204)
  const [step] = (await deployments.get(id)).steps
  assert.deepEqual([step?.step, step?.state, step?.output], ['first-boot', 'done', ['it is [password]']])
})
