import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CaseFigures, caseFigures } from './case.ts'
import type { RackSite } from './site.ts'

const agentTimeoutMs = 4 * 60_000
const bootTimeoutMs = 3 * 60_000
const diskBytes = 64 * 2 ** 20
const diskWord = 'THIS DISK STARTED'

/**
 * What every BIOS loader must do: start the agent with its boot token, so that an order reaches it, and, when the intent is
 * `local`, the machine's own disk. The order's disk rule matches nothing, so that the disk stays what it is: a boot sector that says
 * a word on the serial line.
 */
export async function bootBiosByLoader(site: RackSite, { loader, bootFile }: { loader: string; bootFile: string }) {
  const path = join(site.rack.directory, 'boots.raw')
  await writeFile(path, bootSector(diskWord))
  const disks = [{ path, format: 'raw' as const, serial: 'BOOTS' }]
  const machine = await site.addMachine({ name: `${loader.toLowerCase()}-1`, firmware: 'bios', disks })
  const id = await site.deploy(machine, { disk: { serial: 'ANOTHER' } })
  const startedAt = Date.now()
  await machine.powerOn()
  const timeouts = { timeoutMs: agentTimeoutMs }
  const offer = await site.timeline.waitFor((event) => event.kind === 'dhcp', { ...timeouts, what: 'an offer' })
  assert.ok(offer.message.includes(bootFile), `${offer.message} should name ${bootFile}`)
  const agent = await site.timeline.waitFor((event) => event.kind === 'agent', { ...timeouts, what: 'the agent' })
  const script = site.timeline.events.find((event) => event.kind === 'script')
  assert.equal(script?.message, `${loader} fetched its script: the agent, intent deploy`)
  const deployment = await site.awaitState(id, 'failed', agentTimeoutMs)
  assert.equal(deployment.step, 'select-disk')
  site.log('the intent is local now; the machine is power-cycled')
  machine.console.skipToNow()
  await machine.powerCycle()
  await machine.console.expect(new RegExp(diskWord), { timeoutMs: bootTimeoutMs, what: 'the disk' })
  const figures: CaseFigures = caseFigures(deployment, (agent.at - startedAt) / 1000)
  return figures
}

/** An MBR without partitions whose 23 bytes of code write `text` to the first serial port (16 bit, loaded at 0x7c00). */
export function bootSector(text: string): Buffer {
  const disk = Buffer.alloc(diskBytes)
  const code = [
    ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
    ...[0x31, 0xc0, 0x8e, 0xd8], // xor ax, ax; mov ds, ax
    ...[0xbe, 0x15, 0x7c], // mov si, text
    ...[0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8], // lodsb; test al, al; jz end; out dx, al; jmp lodsb
    ...[0xf4, 0xeb, 0xfd], // end: hlt; jmp end
  ]
  Buffer.from(code).copy(disk)
  disk.write(`${text}\r\n\0`, code.length, 'latin1')
  disk.writeUInt16LE(0xaa55, 510)
  return disk
}
