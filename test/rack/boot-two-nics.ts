import assert from 'node:assert/strict'
import { formatMacHyphen, parseMac } from '../../src/bytes/mac.ts'
import { bootToOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

const secondCard = parseMac('52:54:00:77:01:01')
/** Firmware waits for the first card before it tries the second. */
const bootTimeoutMs = 8 * 60_000

export const rackCase: RackCase = {
  name: 'boot-two-nics',
  describe: 'a machine boots from its first network card, then from its second: it is one machine and gets both orders',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'two-nics-1', firmware: 'bios', furtherMacs: [secondCard] })
  const figures = await bootToOrder(site, machine)
  await assertOneMachine(site, machine)
  await machine.powerOff()

  site.log('the cable of the first card is pulled')
  machine.pullCable(0)
  await bootToOrder(site, machine, bootTimeoutMs)
  const asked = site.timeline.events.some(({ message }) => message.includes(`mac=${formatMacHyphen(secondCard)}`))
  assert.ok(asked, 'the script was asked for by the second card')
  await assertOneMachine(site, machine)
  return figures
}

async function assertOneMachine(site: RackSite, { spec }: RackMachine): Promise<void> {
  const known = await site.machines()
  assert.deepEqual(
    known.map(({ name, macs }) => [name, macs]),
    [[spec.name, [spec.mac, secondCard]]],
  )
}
