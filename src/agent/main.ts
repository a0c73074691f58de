import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseMac } from '../bytes/mac.ts'
import { trustFiles } from '../core/agent-protocol.ts'
import type { Inventory } from '../core/inventory.ts'
import { parseCommandLine } from './command-line.ts'
import { deploy } from './deploy.ts'
import type { AgentContext } from './deploy-context.ts'
import { doErrand } from './errand.ts'
import { followOrders, type OrderActions } from './follow-orders.ts'
import { rebootMachine } from './hand-over.ts'
import { describeInventory } from './inventory/describe-inventory.ts'
import { readInventory } from './inventory/read-inventory.ts'
import { readDiskContents } from './inventory/read-partition-table.ts'
import { ConsoleMenu } from './menu/console-menu.ts'
import { menuMachine } from './menu/menu-machine.ts'
import { orderUnattended } from './menu/unattended.ts'
import { divertWords, say, sayLines } from './say.ts'
import { openSession } from './session.ts'
import { setClock } from './set-clock.ts'
import { tellSurroundings } from './surroundings/tell-surroundings.ts'

/*
 * The agent: main program of the network-booted ramdisk. /init has loaded drivers and brought up the network;
 * BOOTWRIGHT_INTERFACE names the interface where the boot script did not (BOOTIF).
 */

let menu: ConsoleMenu | undefined

async function run(): Promise<void> {
  const commandLineText = readFileSync('/proc/cmdline', 'utf8')
  const commandLine = parseCommandLine(commandLineText)
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
  const { server, consoles, vlan, isMenuChosen, isDebugged } = commandLine
  menu = new ConsoleMenu(menuMachine(server, inventory))
  divertWords((...words) => menu!.said(...words))
  const session = await openSession(server, commandLine.token, bootMac, { onTrouble: offerMenuMeanwhile })
  say(`this machine is ${session.machine.name} to the server at ${server}`)
  const clock = await setClock(session.serverNowMs)
  if (clock !== undefined) say(clock)
  await session.client.request('POST', '/agent/inventory', inventory, { onTrouble: say })
  tellSurroundings(session.client, inventory)
  menu.connected(session)
  await orderUnattended(session, commandLineText)
  const boot = { bootMac, ...(vlan !== undefined && { vlan }) }
  const context = {
    session,
    inventory,
    ...boot,
    consoles,
    isDebugged,
    imagePublicKey,
    leaveConsoles: () => menu?.giveAway(),
  }
  await followOrders(session, orderKey, actionsOf(menu, context, isMenuChosen))
  menu.close()
  await rebootMachine()
}

function actionsOf(menu: ConsoleMenu, context: AgentContext, isChosen: boolean): OrderActions {
  return {
    deploy: (order) => {
      menu.listen()
      return menu.during(`Writing ${order.image} to this machine`, (watch) => deploy(order, { ...context, watch }))
    },
    errand: (order) => menu.during(`Order: ${order.work.kind}`, (watch) => doErrand(order, { ...context, watch })),
    menu: {
      isChosen,
      get isShown() {
        return menu.isShown
      },
      show: () => menu.show(),
      listen: () => menu.listen(),
    },
  }
}

/** Shell, restart and switching off need no server. */
function offerMenuMeanwhile(sentence: string): void {
  menu!.unreachable(sentence)
  menu!.listen()
  say(`${sentence}; press Enter for the menu`)
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
  menu?.close()
  // /init decides what follows: a shell with bootwright.debug, a restart otherwise.
  sayLines(`the agent stops: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
