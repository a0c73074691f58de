import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { formatIpv4, parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { parseUuid } from '../bytes/uuid.ts'
import { LabelsSchema } from '../core/labels-schema.ts'
import { machineNamePattern } from '../core/machine.ts'
import { DeployWish } from '../core/machine-order.ts'
import { Approvals } from '../deploy/approvals.ts'
import { listGroups, putGroup, removeGroup } from '../deploy/group-defaults.ts'
import type { Management } from './management.ts'
import { orderOnApproval } from './on-approval.ts'

const Name = Type.String({ pattern: machineNamePattern })
const told = {
  group: Type.Optional(Name),
  labels: Type.Optional(LabelsSchema),
  address: Type.Optional(Type.String({ description: 'IPv4 address reserved for the machine' })),
}
const Expected = Type.Object(
  {
    name: Type.Optional(Name),
    serial: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    uuid: Type.Optional(Type.String()),
    mac: Type.Optional(Type.String()),
    ...told,
  },
  { additionalProperties: false },
)
const ExpectedList = Type.Object(
  { machines: Type.Array(Expected, { minItems: 1, maxItems: 10_000 }) },
  { additionalProperties: false },
)
const expectedLimitBytes = 8 * 2 ** 20
const Approval = Type.Object({ newName: Type.Optional(Name), ...told }, { additionalProperties: false })
const GroupWish = Type.Object({ onApproval: DeployWish }, { additionalProperties: false })

/** Throws DecodeError for what is no address. */
function withAddress<Body extends { address?: string }>({ address, ...rest }: Body) {
  return { ...rest, ...(address !== undefined && { address: formatIpv4(parseIpv4(address)) }) }
}

/** Which machines are ours: by a list of those that are to come, or by a person. */
export function approvalRoutes(management: Management): FastifyPluginAsyncTypebox {
  const approvals = new Approvals(management.state)
  return async (app) => {
    app.get('/expected', async () => ({ machines: await approvals.expected() }))

    app.post('/expected', { schema: { body: ExpectedList }, bodyLimit: expectedLimitBytes }, async (request) => {
      const machines = request.body.machines.map(({ mac, uuid, ...rest }) => ({
        ...withAddress(rest),
        ...(mac !== undefined && { mac: parseMac(mac) }),
        ...(uuid !== undefined && { uuid: parseUuid(uuid) }),
      }))
      const approved = await approvals.expect(machines)
      for (const machine of approved) await orderOnApproval(management, machine)
      return { count: machines.length, approved }
    })

    app.delete('/expected/:id', { schema: { params: Type.Object({ id: Type.String() }) } }, async (request, reply) => {
      await approvals.forget(request.params.id)
      return reply.code(204).send()
    })

    const schema = { params: Type.Object({ name: Name }), body: Approval }
    app.post('/machines/:name/approve', { schema }, async (request) => {
      const machine = await approvals.byHand(request.params.name, withAddress(request.body))
      await orderOnApproval(management, machine)
      return { machine: await management.machines.get(machine.name) }
    })
  }
}

/** What groups have for their machines beside what the site file says. */
export function groupRoutes({ state }: Pick<Management, 'state'>): FastifyPluginAsyncTypebox {
  const params = Type.Object({ name: Name })
  return async (app) => {
    app.get('/', async () => ({ groups: await listGroups(state) }))

    app.put('/:name', { schema: { params, body: GroupWish } }, async (request) => {
      const group = { ...request.params, ...request.body }
      await putGroup(state, group)
      return { group }
    })

    app.delete('/:name', { schema: { params } }, async (request, reply) => {
      await removeGroup(state, request.params.name)
      return reply.code(204).send()
    })
  }
}
