import { readdirSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DecodeError } from '../../bytes/decode-error.ts'
import type { Disk } from '../../core/inventory.ts'
import { oneLine } from '../../core/one-line.ts'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { readAttribute, readNumber } from '../inventory/attribute.ts'
import type { DiskKind, WipeFacts } from './choose-attempts.ts'
import { unlock } from './erase-ata.ts'
import { DeviceDidNotErase } from './erase-context.ts'
import { type AtaAbilities, parseHiddenSectors, parseIdentity } from './parse-hdparm.ts'
import { parseIdController } from './parse-nvme.ts'

const askTimeoutMs = 60_000
/** SCSI vendors of disks that a hypervisor makes (INQUIRY). */
const virtualVendors = /^(?:QEMU|VMware|Msft|VBOX|Google|Nutanix|XENSRC|Virtio)\b/i

/** Asks the disk what it can. `chosen`: all disks of this wipe, by their kernel names. */
export async function readFacts(disk: Disk, chosen: readonly string[], signal: AbortSignal): Promise<WipeFacts> {
  const directory = join('/sys/block', basename(disk.device))
  return {
    ...(await kindOf(disk, directory, signal)),
    rotational: disk.rotational,
    canDiscard: (readNumber(join(directory, 'queue/discard_max_bytes')) ?? 0) > 0,
    neighbours: neighboursOf(disk, '/sys').filter((device) => !chosen.includes(device)),
  }
}

async function kindOf(disk: Disk, directory: string, signal: AbortSignal): Promise<DiskKind> {
  const vendor = readAttribute(join(directory, 'device/vendor')) ?? ''
  const isScsi = disk.bus === 'sas' || disk.bus === 'scsi'
  if (disk.bus === 'usb' || disk.bus === 'mmc') {
    return { kind: 'plain', why: 'not through a USB bridge or a card reader, which may leave it locked' }
  }
  // SAS controllers translate for SATA drives.
  if (disk.bus === 'nvme' || disk.bus === 'sata' || vendor === 'ATA') return askDrive(disk, signal)
  return isScsi && !virtualVendors.test(vendor) ? { kind: 'scsi' } : { kind: 'virtual', isScsi }
}

/** A drive that does not say what it can is overwritten. */
async function askDrive({ device, bus }: Disk, signal: AbortSignal): Promise<DiskKind> {
  const ask = (program: string, ...args: string[]) => runProgram(program, args, { timeoutMs: askTimeoutMs, signal })
  try {
    if (bus === 'nvme') {
      return {
        kind: 'nvme',
        abilities: parseIdController(await ask('nvme', 'id-ctrl', device, '--output-format=json')),
      }
    }
    const abilities = await identifyUnlocked(device, async () => parseIdentity(await ask('hdparm', '-I', device)))
    const hidden = parseHiddenSectors(await ask('hdparm', '-N', device).catch(() => ''))
    return { kind: 'ata', abilities, ...(hidden !== undefined && { hiddenSectors: hidden }) }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof ProgramFailed || error instanceof DecodeError)) throw error
    return { kind: 'plain', why: `it does not say what it can: ${oneLine(error.message)}` }
  }
}

/** What a secure erase that was cut off has locked is unlocked first; throws DeviceDidNotErase where somebody else did. */
async function identifyUnlocked(device: string, identify: () => Promise<AtaAbilities>): Promise<AtaAbilities> {
  const { security, ...asItIs } = await identify()
  if (!security.enabled) return { security, ...asItIs }
  try {
    await unlock(device)
  } catch (error) {
    if (security.locked || !(error instanceof DeviceDidNotErase)) throw error
    return { security, ...asItIs }
  }
  return identify()
}

/** Other namespaces of an NVMe disk's controller, or of its subsystem where that has several: the number in a name says nothing of it. */
export function neighboursOf({ device, bus }: Disk, sysRoot: string): string[] {
  if (bus !== 'nvme') return []
  const controller = controllerOf(basename(device), sysRoot)
  return readdirSync(join(sysRoot, 'block'))
    .filter((name) => name !== basename(device) && /^nvme\d+n\d+$/.test(name))
    .filter((name) => controller !== undefined && controllerOf(name, sysRoot) === controller)
    .map((name) => `/dev/${name}`)
}

/** What all namespaces of a controller have in common. */
export function controllerOf(name: string, sysRoot: string): string | undefined {
  try {
    return realpathSync(join(sysRoot, 'block', name, 'device'))
  } catch {
    return undefined
  }
}
