import assert from 'node:assert/strict'
import { bootToOrder, endOrder, harmlessOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

const uuid = '7ac40000-0000-4000-8000-00000000d0b1'

export const rackCase: RackCase = {
  name: 'boot-duplicate-uuid',
  describe:
    'two machines have one SMBIOS UUID: both are held, no order is given, until a person says that they are two',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const [one, two] = [
    await site.addMachine({ name: 'twin-1', firmware: 'bios', uuid }),
    await site.addMachine({ name: 'twin-2', firmware: 'bios', uuid }),
  ]
  const figures = await bootToOrder(site, one)
  await one.powerOff()

  const frozen = await site.deploy(two, harmlessOrder)
  const secondsToAgent = await site.bootAgent(two)
  await site.awaitState(frozen, 'frozen')
  const held = await site.machines()
  assert.deepEqual(
    held.map(({ name, conflicts }) => [name, conflicts]),
    [
      ['twin-1', [{ kind: 'uuid', machine: 'twin-2' }]],
      ['twin-2', [{ kind: 'uuid', machine: 'twin-1' }]],
    ],
  )
  for (const machine of [one, two]) await assert.rejects(site.deploy(machine, harmlessOrder), /is held/)

  await site.client.request('PUT', '/api/v1/machines/twin-2', { sharesUuid: true })
  site.log('a person said that they are two; the agent of the second is still there, and gets its order')
  await endOrder(site, await site.deploy(two, harmlessOrder), secondsToAgent)
  const settled = await site.machines()
  assert.ok(settled.every(({ conflicts }) => conflicts === undefined))
  return figures
}
