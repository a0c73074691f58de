import { readlinkSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { divertWords, say } from '../say.ts'
import { ServerClient } from '../server-client.ts'
import { ConsoleMenu } from './console-menu.ts'
import { runConsoleShell } from './console-shell.ts'
import { menuWorld } from './menu.fixture.ts'

/*
 * Run by console-menu.test.ts on a terminal of its own: the menu with a server at the address that is given, on a machine
 * that does not restart.
 */
const server = process.argv[2]!
const terminal = readlinkSync('/proc/self/fd/0')
const { inventory } = menuWorld()
const menu = new ConsoleMenu({
  ...{ consoles: [terminal, '/dev/null', '/nowhere'], server, inventory },
  readInventory: async () => inventory,
  quietKernel: (isQuiet) => say(`the kernel is ${isQuiet ? 'quiet' : 'loud'}`),
  shell: runConsoleShell,
  reboot: async () => process.exit(3),
  powerOff: async () => process.exit(4),
})
divertWords((...words) => menu.said(...words))
menu.listen()
say('press Enter')
const client = new ServerClient(server)
menu.connected({
  client,
  machine: { id: 'm', name: 'rack-1' },
  nonce: '',
  privateKey: undefined as never,
  serverNowMs: 0,
})
// What followOrders() does when an order comes.
for (;;) {
  const order = (await client.request('GET', '/agent/order', undefined)) as { kind: string }
  if (order.kind === 'wait') {
    await wait(50)
    continue
  }
  await menu.during('Writing debian to this machine', async (watch) => {
    watch({ workId: 'd', step: 'write', state: 'started' })
    watch({ workId: 'd', step: 'write', state: 'progress', bytesDone: 30_000_000, bytesTotal: 60_000_000 })
    say('a line of the work')
    await wait(1500)
    say('deployment failed in step write: the disk is full')
  })
}
