import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { formatIpv4, parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { HandOver } from '../core/hand-over.ts'
import { StandingIntent } from '../core/intent.ts'
import { labelKeyPattern, mostLabels } from '../core/labels.ts'
import { LabelsSchema } from '../core/labels-schema.ts'
import { machineNamePattern } from '../core/machine.ts'
import { listWithState, selectMachines, stateOf } from '../deploy/machine-selection.ts'
import { shownErrand } from './errand-routes.ts'
import { findSsh } from './find-ssh.ts'
import type { Management } from './management.ts'

const Name = Type.Object({ name: Type.String({ pattern: machineNamePattern }) })

const identity = {
  macs: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 64 })),
  address: Type.Optional(Type.String({ description: 'IPv4 address reserved for the machine' })),
  group: Type.Optional(Type.String({ pattern: machineNamePattern })),
  labels: Type.Optional(LabelsSchema),
}

const shared = {
  group: identity.group,
  labels: identity.labels,
  unsetLabels: Type.Optional(Type.Array(Type.String({ pattern: labelKeyPattern }), { maxItems: mostLabels })),
  handOver: Type.Optional(
    Type.Union([HandOver, Type.Null()], { description: 'how deployments leave it; null: as its model or group' }),
  ),
  intent: Type.Optional(
    Type.Union([Type.Literal('local'), Type.Literal('menu'), Type.Literal('discover'), StandingIntent], {
      description: 'what it boots from now on while nothing is ordered',
    }),
  ),
}

const Settings = Type.Object(
  {
    ...identity,
    ...shared,
    sharesUuid: Type.Optional(
      Type.Boolean({ description: 'another computer has the same SMBIOS UUID, and that is no conflict' }),
    ),
    newName: Type.Optional(Type.String({ pattern: machineNamePattern })),
  },
  { additionalProperties: false },
)

const Machines = Type.Object(
  {
    machines: Type.Array(
      Type.Object({ name: Type.String({ pattern: machineNamePattern }), ...identity }, { additionalProperties: false }),
      { maxItems: 100_000 },
    ),
  },
  { additionalProperties: false },
)
const Where = Type.String({
  maxLength: 1000,
  description: 'A selector: group=web,state=ready,label.rack=3,name=web-*',
})
const SharedChange = Type.Object(
  {
    where: Where,
    settings: Type.Object(shared, { additionalProperties: false }),
    dryRun: Type.Optional(Type.Boolean({ description: 'Only says which machines would be changed' })),
  },
  { additionalProperties: false },
)
const machinesLimitBytes = 32 * 2 ** 20

export function machineRoutes(management: Management): FastifyPluginAsyncTypebox {
  const { state, machines, deployments, errands, ramroots, departures } = management
  return async (app) => {
    app.get('/', { schema: { querystring: Type.Object({ where: Type.Optional(Where) }) } }, async (request) => {
      return { machines: await listWithState(state.db, request.query.where) }
    })

    app.patch(
      '/',
      { schema: { summary: 'Changes all machines that a selector chooses, or none', body: SharedChange } },
      async (request) => {
        const { where, settings, dryRun = false } = request.body
        if (dryRun) return { machines: await selectMachines(state.db, where) }
        return { machines: await machines.setSelected(where, checked(settings)) }
      },
    )

    app.get('/:name', { schema: { params: Name } }, async (request) => {
      const machine = await machines.get(request.params.name)
      const [inventory, history, done, boots] = await Promise.all([
        machines.inventory(machine.id),
        deployments.list(machine.id),
        errands.list(machine.id),
        ramroots.list(machine.id),
      ])
      const shown = { ...machine, state: await stateOf(state.db, machine) }
      return { machine: shown, inventory, deployments: history, errands: done.map(shownErrand), ramroots: boots }
    })

    app.get('/:name/ssh', { schema: { params: Name } }, async (request) => ({
      ssh: await findSsh(management, await machines.get(request.params.name)),
    }))

    app.post('/:name/reboot', { schema: { params: Name } }, async (request, reply) => {
      await departures.request(await machines.get(request.params.name))
      return reply.code(204).send()
    })

    app.put('/:name', { schema: { params: Name, body: Settings } }, async (request) => {
      return { machine: await machines.set(request.params.name, checked(request.body)) }
    })

    app.post('/', { schema: { body: Machines }, bodyLimit: machinesLimitBytes }, async (request) => {
      await machines.setAll(request.body.machines.map(checked))
      return { count: request.body.machines.length }
    })

    app.delete('/:name', { schema: { params: Name } }, async (request, reply) => {
      await machines.remove(request.params.name)
      return reply.code(204).send()
    })
  }
}

type ShortIntent = 'local' | 'menu' | 'discover'

/** Throws DecodeError for what is no MAC or IPv4 address. */
function checked<Body extends { macs?: string[]; address?: string; intent?: ShortIntent | StandingIntent }>(
  given: Body,
) {
  const { macs, address, intent, ...settings } = given
  return {
    ...settings,
    ...(intent !== undefined && { intent: typeof intent === 'string' ? { kind: intent } : intent }),
    ...(macs && { macs: macs.map(parseMac) }),
    ...(address !== undefined && { address: formatIpv4(parseIpv4(address)) }),
  }
}
