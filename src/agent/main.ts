import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseMac } from '../bytes/mac.ts'
import { trustFiles } from '../core/agent-protocol.ts'
import type { Inventory } from '../core/inventory.ts'
import { parseCommandLine } from './command-line.ts'
import { deploy } from './deploy.ts'
import { doErrand } from './errand.ts'
import { followOrders } from './follow-orders.ts'
import { rebootMachine } from './hand-over.ts'
import { describeInventory } from './inventory/describe-inventory.ts'
import { readInventory } from './inventory/read-inventory.ts'
import { readDiskContents } from './inventory/read-partition-table.ts'
import { say, sayLines } from './say.ts'
import { openSession } from './session.ts'
import { setClock } from './set-clock.ts'
import { tellSurroundings } from './surroundings/tell-surroundings.ts'

/*
 * The agent: main program of the network-booted ramdisk. /init has loaded drivers and brought up the network;
 * BOOTWRIGHT_INTERFACE names the interface where the boot script did not (BOOTIF).
 */

async function run(): Promise<void> {
  const commandLine = parseCommandLine(readFileSync('/proc/cmdline', 'utf8'))
  const imagePublicKey = trustedKey(trustFiles.image)
  const orderKey = trustedKey(trustFiles.order)
  const found = readInventory({
    sysRoot: '/sys',
    procRoot: '/proc',
    architecture: process.arch,
    boot: { mac: commandLine.bootMac, name: process.env.BOOTWRIGHT_INTERFACE },
  })
  const inventory = { ...found, disks: await readDiskContents(found.disks, say) }
  for (const line of describeInventory(inventory)) say(line)
  const bootMac = bootInterface(inventory)
  const session = await openSession(commandLine.server, commandLine.token, bootMac, { onTrouble: say })
  say(`this machine is ${session.machine.name} to the server at ${commandLine.server}`)
  const clock = await setClock(session.serverNowMs)
  if (clock !== undefined) say(clock)
  await session.client.request('POST', '/agent/inventory', inventory, { onTrouble: say })
  tellSurroundings(session.client, inventory)
  const { consoles, vlan } = commandLine
  const boot = { bootMac, ...(vlan !== undefined && { vlan }) }
  const context = { session, inventory, ...boot, consoles, imagePublicKey }
  await followOrders(session, orderKey, {
    deploy: (order) => deploy(order, context),
    errand: (order) => doErrand(order, context),
  })
  await rebootMachine()
}

function bootInterface(inventory: Inventory) {
  const found = inventory.interfaces.find((candidate) => candidate.bootedFrom)
  if (found === undefined) {
    throw new Error(
      'Cannot tell which interface the machine was booted from: neither BOOTIF nor BOOTWRIGHT_INTERFACE is one of its cards',
    )
  }
  return parseMac(found.mac)
}

function trustedKey(file: string): KeyObject {
  try {
    return createPublicKey(readFileSync(file))
  } catch (cause) {
    throw new Error(`Cannot read ${file}: this ramdisk was built without the key; build it again`, { cause })
  }
}

try {
  await run()
} catch (error) {
  // /init decides what follows: a shell with bootwright.debug, a restart otherwise.
  sayLines(`the agent stops: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
