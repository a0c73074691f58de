import assert from 'node:assert/strict'
import { cp, open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

const refusalTimeoutMs = 10 * 60_000

export const rackCase: RackCase = {
  name: 'boot-secureboot-tampered',
  describe: 'under Secure Boot a kernel with one changed byte is refused, and no agent starts',
  set: 'long',
  serveOptions: ['--loader', 'shim'],
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const ramdisk = join(site.rack.directory, 'ramdisk', basename(site.supplies.ramdiskDirectory))
  await cp(site.supplies.ramdiskDirectory, ramdisk, { recursive: true })
  await changeOneByte(join(ramdisk, 'vmlinuz'))
  await site.service.restartWith({ ramdiskDirectory: ramdisk })
  const machine = await site.addMachine({ name: 'secure-1', firmware: 'uefi', secureBoot: true, memoryMiB: 1024 })
  await site.deploy(machine)
  await machine.powerOn()
  const refusal = { timeoutMs: refusalTimeoutMs, what: "the kernel's refusal" }
  await machine.console.expect(/bad shim signature/, refusal)
  await machine.console.expect(/cannot load the agent/, refusal)
  assert.ok(!site.timeline.events.some(({ kind }) => kind === 'agent'), 'no agent has started')
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

/** In the middle of the file, which the signature covers. */
async function changeOneByte(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  const { size } = await file.stat()
  const byte = Buffer.alloc(1)
  const position = Math.floor(size / 2)
  await file.read(byte, 0, 1, position)
  byte[0]! ^= 1
  await file.write(byte, 0, 1, position)
}
