import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { DiskRule } from '../core/disk-rule.ts'
import { dryRun } from '../core/dry-run.ts'
import type { Inventory } from '../core/inventory.ts'
import { FilesystemType, Layout } from '../core/layout.ts'
import { DeployRendition } from '../core/order.ts'
import { readyLayouts } from '../core/ready-layouts.ts'
import { Conflict } from '../deploy/refusals.ts'
import { chooseLayout } from './choose-layout.ts'
import type { Management } from './management.ts'
import { resolveWish } from './redeploy-wish.ts'

const PlanRequest = Type.Object(
  {
    machine: Type.String(),
    layout: Type.Optional(Type.Union([Type.String({ description: 'Name of a ready one' }), Layout])),
    disk: Type.Optional(DiskRule),
    filesystem: Type.Optional(FilesystemType),
    rendition: Type.Optional(DeployRendition),
    redeploy: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const Plan = Type.Object({
  disk: Type.Optional(Type.String()),
  before: Type.Array(Type.String()),
  after: Type.Array(Type.String()),
  refusal: Type.Optional(Type.String()),
})

export function layoutRoutes({ machines, deployments }: Management): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/',
      { schema: { summary: 'Ready layouts', response: { 200: Type.Object({ layouts: Type.Array(Layout) }) } } },
      async () => ({ layouts: [...readyLayouts] }),
    )

    app.post(
      '/plan',
      {
        schema: {
          summary: 'What a layout would do to a machine’s disk, by its last inventory; nothing is changed',
          body: PlanRequest,
          response: { 200: Plan },
        },
      },
      async ({ body }) => {
        const machine = await machines.get(body.machine)
        const inventory = (await machines.inventory(machine.id)) as Inventory | undefined
        if (inventory === undefined) {
          throw new Conflict(`${machine.name} has no inventory yet; boot it from the network once (intent discover)`)
        }
        const wish = resolveWish(body, await deployments.onDisk(machine.id))
        return dryRun(inventory, wish.disk ?? {}, chooseLayout(wish).layout)
      },
    )
  }
}
