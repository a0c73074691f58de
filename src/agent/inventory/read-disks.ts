import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk } from '../../core/inventory.ts'
import { oneLine } from '../../core/one-line.ts'
import { readAttribute, readAttributeBytes, readNumber } from './attribute.ts'

/** The unit of /sys/block/NAME/size, whatever the disk's own sectors are. */
const sysfsSectorBytes = 512

/** Never a deployment's target: optical drives, floppies, eMMC boot areas, and devices made of memory or other disks. */
const notDisks = /^(?:loop|ram|zram|sr|fd|dm-|md|nbd|mtdblock)\d|^mmcblk\d+(?:boot\d|rpmb)/

/**
 * The disks under `sysRoot` (/sys), sorted by kernel name. A disk reached over several paths (same WWN and size) is
 * listed once, by its first path.
 */
export function readDisks(sysRoot: string): Disk[] {
  const names = readdirSync(join(sysRoot, 'block')).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const disks: Disk[] = []
  for (const name of names) {
    const disk = notDisks.test(name) ? undefined : readDisk(sysRoot, name)
    if (disk !== undefined && !disks.some((seen) => isSameDisk(seen, disk))) disks.push(disk)
  }
  return disks
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
  if (model !== undefined && disk.bus !== 'virtio') disk.model = model
  if (serial !== undefined) disk.serial = serial
  if (wwn !== undefined) disk.wwn = wwn
  return disk
}

/** `path` is the resolved /sys/devices path: it names every bus between the disk and the processor. */
function busOf(name: string, path: string): string {
  if (name.startsWith('nvme')) return 'nvme'
  if (name.startsWith('mmcblk')) return 'mmc'
  if (/\/usb\d+\//.test(path)) return 'usb'
  if (/\/ata\d+\//.test(path)) return 'sata'
  if (/\/end_device-/.test(path)) return 'sas'
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
