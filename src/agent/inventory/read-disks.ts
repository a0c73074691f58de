import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Disk, DiskSpecial } from '../../core/inventory.ts'
import { oneLine } from '../../core/one-line.ts'
import { readAttribute, readAttributeBytes, readNumber } from './attribute.ts'

/** The unit of /sys/block/NAME/size, whatever the disk's own sectors are. */
const sysfsSectorBytes = 512

/** Never a deployment's target: optical drives, floppies, and devices made of memory or other disks. */
const notDisks = /^(?:loop|ram|zram|sr|fd|dm-|md|nbd|mtdblock)\d/
/** Areas of an eMMC beside its user area (JEDEC JESD84-B51 §6.2): boot loaders and keys, not disks. */
const emmcAreas = /^mmcblk\d+(?:boot\d|rpmb|gp\d)/
/**
 * Vendor and model of what BMCs show on USB: AMI's "Virtual HDisk0", Dell's "iDRAC"/"LCDRIVE"/"OEMDRV", HPE's "iLO", the
 * "File-Stor Gadget" of BMCs that run Linux, ATEN and Avocent switches.
 */
const virtualMedia =
  /\b(?:virtual|idrac|lcdrive|oemdrv|secupd|ilo|file-(?:stor|cd) gadget|mass storage gadget|aten|avocent)/i

/**
 * The disks under `sysRoot` (/sys), sorted by kernel name. A disk reached over several paths (same WWN and size) is
 * listed once, by its first path that works, with the names of all.
 */
export function readDisks(sysRoot: string): Disk[] {
  const names = readdirSync(join(sysRoot, 'block')).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const disks: Disk[] = []
  for (const name of names) {
    const disk = notDisks.test(name) ? undefined : readDisk(sysRoot, name)
    if (disk === undefined) continue
    const index = disks.findIndex((seen) => isSameDisk(seen, disk))
    if (index < 0) disks.push(disk)
    else disks[index] = joinPaths(sysRoot, disks[index]!, disk)
  }
  return disks
}

/** One disk, by the path that was found first unless that one is down. */
function joinPaths(sysRoot: string, seen: Disk, other: Disk): Disk {
  const paths = [...(seen.paths ?? [seen.device]), other.device]
  const chosen = isRunning(sysRoot, seen) || !isRunning(sysRoot, other) ? seen : other
  return { ...chosen, paths }
}

/** What the SCSI layer thinks of a path; other buses say nothing. */
function isRunning(sysRoot: string, { device }: Disk): boolean {
  const state = readAttribute(join(sysRoot, 'block', basename(device), 'device/state'))
  return state === undefined || state === 'running' || state === 'live'
}

function isSameDisk(a: Disk, b: Disk): boolean {
  return a.wwn !== undefined && a.wwn === b.wwn && a.sizeBytes === b.sizeBytes
}

/** Undefined for a card reader without a card, an NVMe path hidden behind its multipath head, and the like. */
function readDisk(sysRoot: string, name: string): Disk | undefined {
  const directory = join(sysRoot, 'block', name)
  const sectors = readNumber(join(directory, 'size')) ?? 0
  const hidden = readNumber(join(directory, 'hidden')) === 1
  if (sectors === 0 || hidden || !existsSync(join(directory, 'device'))) return undefined
  const disk: Disk = {
    device: `/dev/${name}`,
    bus: busOf(name, realpathSync(directory)),
    sizeBytes: sectors * sysfsSectorBytes,
    logicalSectorBytes: readNumber(join(directory, 'queue/logical_block_size')) ?? sysfsSectorBytes,
    physicalSectorBytes: readNumber(join(directory, 'queue/physical_block_size')) ?? sysfsSectorBytes,
    rotational: readNumber(join(directory, 'queue/rotational')) === 1,
    removable: readNumber(join(directory, 'removable')) === 1,
    readOnly: readNumber(join(directory, 'ro')) === 1,
  }
  const model = readAttribute(join(directory, 'device/model')) ?? readAttribute(join(directory, 'device/name'))
  const serial = readSerial(directory)
  const wwn = wwnOf(readAttribute(join(directory, 'wwid')) ?? readAttribute(join(directory, 'device/wwid')))
  const special = specialOf(name, disk.bus, `${readAttribute(join(directory, 'device/vendor')) ?? ''} ${model ?? ''}`)
  if (model !== undefined && disk.bus !== 'virtio') disk.model = model
  if (serial !== undefined) disk.serial = serial
  if (wwn !== undefined) disk.wwn = wwn
  if (special !== undefined) disk.special = special
  return disk
}

function specialOf(name: string, bus: string, maker: string): DiskSpecial | undefined {
  if (emmcAreas.test(name)) return 'boot-area'
  if (bus === 'fc' || bus === 'iscsi') return 'lun'
  return bus === 'usb' && virtualMedia.test(maker) ? 'virtual-media' : undefined
}

/** `path` is the resolved /sys/devices path: it names every bus between the disk and the processor. */
function busOf(name: string, path: string): string {
  if (name.startsWith('nvme')) return 'nvme'
  if (name.startsWith('mmcblk')) return 'mmc'
  if (/\/usb\d+\//.test(path)) return 'usb'
  if (/\/ata\d+\//.test(path)) return 'sata'
  if (/\/end_device-/.test(path)) return 'sas'
  if (/\/rport-/.test(path)) return 'fc'
  if (/\/session\d+\//.test(path)) return 'iscsi'
  if (name.startsWith('vd')) return 'virtio'
  if (name.startsWith('sd')) return 'scsi'
  return 'other'
}

/** virtio and NVMe say it in a file; SCSI, SAS and SATA in INQUIRY page 0x80: four bytes of header, then the text. */
function readSerial(directory: string): string | undefined {
  const page = readAttributeBytes(join(directory, 'device/vpd_pg80'))
  if (page !== undefined && page.length > 4) {
    const text = oneLine(page.toString('latin1', 4, 4 + page.readUInt16BE(2)))
    if (text !== '') return text
  }
  return readAttribute(join(directory, 'serial')) ?? readAttribute(join(directory, 'device/serial'))
}

/** As lsblk shows it: `0x…` for NAA, `eui.…` for NVMe; a T10 vendor text is not world-wide unique. */
function wwnOf(wwid: string | undefined): string | undefined {
  if (wwid?.startsWith('naa.')) return `0x${wwid.slice(4).toLowerCase()}`
  return wwid?.startsWith('eui.') ? wwid.toLowerCase() : undefined
}
