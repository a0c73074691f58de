import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { formatIpv4, parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { machineNamePattern } from '../core/machine.ts'
import type { Management } from './management.ts'

const Name = Type.Object({ name: Type.String({ pattern: machineNamePattern }) })

const Settings = Type.Object(
  {
    macs: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 64 })),
    address: Type.Optional(Type.String({ description: 'IPv4 address reserved for the machine' })),
    approved: Type.Optional(Type.Boolean()),
    sharesUuid: Type.Optional(
      Type.Boolean({ description: 'another computer has the same SMBIOS UUID, and that is no conflict' }),
    ),
    newName: Type.Optional(Type.String({ pattern: machineNamePattern })),
    intent: Type.Optional(Type.Union([Type.Literal('local'), Type.Literal('discover')])),
  },
  { additionalProperties: false },
)

export function machineRoutes({ machines, deployments }: Management): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/', async () => ({ machines: await machines.list() }))

    app.get('/:name', { schema: { params: Name } }, async (request) => {
      const machine = await machines.get(request.params.name)
      const [inventory, history] = await Promise.all([machines.inventory(machine.id), deployments.list(machine.id)])
      return { machine, inventory, deployments: history }
    })

    app.put('/:name', { schema: { params: Name, body: Settings } }, async (request) => {
      const { macs, address, ...settings } = request.body
      return {
        machine: await machines.set(request.params.name, {
          ...settings,
          ...(macs && { macs: macs.map(parseMac) }),
          ...(address !== undefined && { address: formatIpv4(parseIpv4(address)) }),
        }),
      }
    })

    app.delete('/:name', { schema: { params: Name } }, async (request, reply) => {
      await machines.remove(request.params.name)
      return reply.code(204).send()
    })
  }
}
