import assert from 'node:assert/strict'
import type { RackMachine } from '../../rack/machine.ts'
import { type CaseFigures, caseFigures } from './case.ts'
import type { RackSite } from './site.ts'

/** An order whose disk rule matches nothing: it shows that the agent is up with its token, and writes to no disk. */
export const harmlessOrder = { disk: { serial: 'ANOTHER' } } as const

/**
 * What every boot case comes to: the machine is switched on and its agent does the order that was given for it, up to the
 * disk rule that matches nothing.
 */
export async function bootToOrder(site: RackSite, machine: RackMachine, timeoutMs?: number): Promise<CaseFigures> {
  const id = await site.deploy(machine, harmlessOrder)
  const secondsToAgent = await site.bootAgent(machine, timeoutMs)
  return endOrder(site, id, secondsToAgent)
}

/** The agent is up: waits for the end of its order. */
export async function endOrder(site: RackSite, id: string, secondsToAgent: number): Promise<CaseFigures> {
  const deployment = await site.awaitState(id, 'failed')
  assert.equal(deployment.step, 'select-disk')
  return caseFigures(deployment, secondsToAgent)
}

/** One machine of each firmware, one after the other; what is told is of the first. */
export async function bootBothFirmwares(
  site: RackSite,
  boot: (machine: RackMachine) => Promise<CaseFigures>,
  request: { bridge?: string } = {},
): Promise<CaseFigures> {
  const figures: CaseFigures[] = []
  for (const firmware of ['bios', 'uefi'] as const) {
    const machine = await site.addMachine({ name: `${firmware}-1`, firmware, ...request })
    const ofOne = await boot(machine)
    site.log(`${machine.spec.name}: the agent after ${ofOne.secondsToAgent} s`)
    figures.push(ofOne)
    await machine.powerOff()
  }
  return figures[0]!
}
