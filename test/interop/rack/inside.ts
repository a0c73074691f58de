// Runs inside a rack: two machines without a server, until the test says stop (or dies).
import { readdir, readFile } from 'node:fs/promises'
import { emulated } from '../../../src/rack/accelerator.ts'
import { endWithOuterProcess } from '../../../src/rack/namespace.ts'
import { Rack } from '../../../src/rack/rack.ts'

endWithOuterProcess()
const [directory = ''] = process.argv.slice(2)
const rack = await Rack.open({ directory, accelerator: emulated })
const bios = await rack.addMachine({ name: 'bios', firmware: 'bios', memoryMiB: 256, processors: 1 })
const uefi = await rack.addMachine({ name: 'uefi', firmware: 'uefi', memoryMiB: 256, processors: 1 })
process.once('message', async () => {
  await rack[Symbol.asyncDispose]()
  process.exit(0)
})
await Promise.all([bios.powerOn(), uefi.powerOn()])
await Promise.all([
  bios.console.expect(/Configuring \(net0/, { timeoutMs: 60_000, what: "iPXE's DHCP" }),
  uefi.console.expect(/Start PXE over IPv4/, { timeoutMs: 60_000, what: "EDK2's PXE" }),
])
await bios.reset()
await bios.console.expect(/iPXE 1/, { timeoutMs: 60_000, what: 'iPXE after the reset' })
const processes = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(commandOf))
process.send?.({ machines: processes.filter((command) => command.startsWith('qemu-system')).length, pid: process.pid })

async function commandOf(pid: string): Promise<string> {
  return readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
}
