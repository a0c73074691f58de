import { mkdirSync } from 'node:fs'
import { basename } from 'node:path'
import type { Mountable } from '../../../core/rescue.ts'
import { runProgram } from '../../../programs/run-program.ts'
import { readDisks } from '../../inventory/read-disks.ts'
import { assembleDisks } from './assemble.ts'
import { lockedOf, mountableOf, readBlockDevices, readOnly } from './block-devices.ts'

/*
 * What a person types in a machine that is rescued; the ramdisk has a command of each name (ramdisk/rescue-rootfs).
 *   assemble    puts together what is made of several disks, again: an encrypted disk was opened, another came
 *   mounts      what can be mounted, and what is
 *   mount-all   mounts all that is not mounted, for reading, below /mnt
 */

const mountTimeoutMs = 120_000

const commands: Readonly<Record<string, () => Promise<void>>> = { assemble, mounts, 'mount-all': mountAll }

let isWell = true

function complain(sentence: string): void {
  isWell = false
  process.stderr.write(`${sentence}\n`)
}

async function assemble(): Promise<void> {
  const { arrays, volumeGroups, multipath } = await assembleDisks(readDisks('/sys'), complain)
  const found = [...arrays, ...volumeGroups.map((name) => `volume group ${name}`), ...multipath]
  const words = found.length === 0 ? 'no arrays, volume groups or disks of several paths' : found.join('\n')
  process.stdout.write(`${words}\n`)
  await mounts()
}

async function mounts(): Promise<void> {
  const devices = await readBlockDevices(complain)
  for (const one of mountableOf(devices)) {
    const place = devices.find(({ path }) => path === one.device)?.mountedAt
    process.stdout.write(`${describe(one)}  ${place === undefined ? 'not mounted' : `at ${place}`}\n`)
  }
  for (const device of lockedOf(devices)) {
    const name = `${basename(device)}-open`
    process.stdout.write(`${device}  encrypted: cryptsetup open ${device} ${name}, then assemble\n`)
  }
}

async function mountAll(): Promise<void> {
  const devices = await readBlockDevices(complain)
  for (const { type, device, directory } of mountableOf(devices.filter(({ mountedAt }) => mountedAt === undefined))) {
    mkdirSync(directory, { recursive: true })
    const args = ['-t', type, '-o', readOnly(type), device, directory]
    await runProgram('mount', args, { timeoutMs: mountTimeoutMs }).catch((error: Error) => complain(error.message))
  }
  await mounts()
}

function describe({ device, type, label, sizeBytes }: Mountable): string {
  const size = `${(sizeBytes / 1e9).toFixed(2)} GB`
  return [device.padEnd(28), type.padEnd(8), size.padStart(11), (label ?? '').padEnd(16)].join(' ')
}

const command = commands[process.argv[2] ?? '']
if (!command) throw new Error(`There is no command ${process.argv[2]}; there are ${Object.keys(commands).join(', ')}`)
await command()
process.exitCode = isWell ? 0 : 1
