import { uefiFiles } from './firmware-files.ts'
import type { DiskSpec, MachineSpec } from './machine-spec.ts'

/** What else a QEMU process needs: the ports of the switch, its copy of the UEFI variables, the captures. */
export type MachineWiring = {
  accelerator: readonly string[]
  /** One for each card. */
  taps: readonly string[]
  /** UEFI only. */
  variablesPath: string
  /** Path of the captures without their ending: `.pcap` for the first card, `.card1.pcap` for the next. */
  capturePrefix: string
  /** File descriptor of the QMP socket in the QEMU process. */
  qmpFd: number
}

/**
 * A whole DHCP packet and the head of everything else. QEMU's own dump is used because tcpdump insists on changing to
 * another user, and the rack's user namespace has only one.
 */
const captureBytes = 700
/** After a machine found nothing to boot it tries again, as a server would. */
const rebootTimeoutMs = 5000

/** The program that emulates the machine. */
export function qemuProgram({ architecture }: MachineSpec): string {
  return architecture === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64'
}

/** QEMU straps the PC chipset's own watchdog so that it never resets, which Linux does not see. */
const watchdogArguments = ['-device', 'i6300esb', '-action', 'watchdog=reset', '-global', 'ICH9-LPC.noreboot=false']

const bmcArguments = ['-device', 'ipmi-bmc-sim,id=bmc', '-device', 'isa-ipmi-kcs,bmc=bmc']

/** The serial console is on QEMU's standard input and output. */
export function qemuArguments(spec: MachineSpec, wiring: MachineWiring): string[] {
  return [
    ...['-name', spec.name, '-uuid', spec.uuid, '-m', String(spec.memoryMiB), '-smp', String(spec.processors)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-msg', 'timestamp=on'],
    // graphics=off makes SeaBIOS and the iPXE ROM talk on the serial port
    ...['-machine', machineType(spec), ...wiring.accelerator],
    ...['-smbios', `type=1,manufacturer=Bootwright,product=Virtual rack machine,serial=${spec.name},uuid=${spec.uuid}`],
    ...['-boot', `strict=on,reboot-timeout=${rebootTimeoutMs}`],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-chardev', `socket,id=qmp,fd=${wiring.qmpFd}`, '-mon', 'chardev=qmp,mode=control'],
    // newer OVMF has no network without a source of randomness
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...firmwareArguments(spec, wiring),
    ...(spec.watchdog ? watchdogArguments : []),
    ...(spec.bmc ? bmcArguments : []),
    ...networkArguments(spec, wiring),
    ...spec.disks.flatMap((disk, index) => diskArguments(disk, index, spec.furtherMacs.length + index + 2)),
  ]
}

function machineType({ architecture, secureBoot }: MachineSpec): string {
  if (architecture === 'arm64') return 'virt'
  return secureBoot ? 'q35,graphics=off,smm=on' : 'q35,graphics=off'
}

function firmwareArguments(spec: MachineSpec, { variablesPath }: MachineWiring): string[] {
  if (spec.firmware === 'bios') return []
  return [
    // network boot is IPv4 alone; EDK2 would try IPv6 as well, PXE and HTTP, for 70 s each at every boot
    ...['-fw_cfg', 'name=opt/org.tianocore/IPv6Support,string=no'],
    ...['-fw_cfg', 'name=opt/org.tianocore/IPv6PXESupport,string=no'],
    ...(spec.networkBoot === 'firmware-http' ? ['-fw_cfg', 'name=opt/org.tianocore/IPv4PXESupport,string=no'] : []),
    // only what runs in system management mode may write the variables, or Secure Boot could be switched off from Linux
    ...(spec.secureBoot ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : []),
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${quoted(uefiFiles(spec).code.path)}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${quoted(variablesPath)}`],
  ]
}

function networkArguments(spec: MachineSpec, { taps, capturePrefix }: MachineWiring): string[] {
  // an empty romfile leaves UEFI to EDK2's own driver and PXE; QEMU's default ROM is iPXE
  const rom = spec.firmware === 'uefi' && spec.networkBoot !== 'ipxe-rom' ? ',romfile=' : ''
  return [spec.mac, ...spec.furtherMacs].flatMap((mac, card) => {
    const capture = quoted(`${capturePrefix}${card === 0 ? '' : `.card${card}`}.pcap`)
    // with vnet_hdr the dump would have a virtio header in front of every frame, which no reader of captures knows
    return [
      ...['-netdev', `tap,id=net${card},ifname=${taps[card]},script=no,downscript=no,vnet_hdr=off`],
      ...['-object', `filter-dump,id=capture${card},netdev=net${card},file=${capture},maxlen=${captureBytes}`],
      ...['-device', `${spec.nic},netdev=net${card},mac=${mac},bootindex=${card + 1}${rom}`],
    ]
  })
}

function diskArguments(disk: DiskSpec, index: number, bootPlace: number): string[] {
  const bootIndex = `bootindex=${bootPlace}`
  const controller = disk.bus === 'scsi' ? ['-device', `virtio-scsi-pci,id=scsi${index}`] : []
  const paths = Array.from({ length: disk.paths?.count ?? 1 }, (_, path) => {
    const id = `disk${index}${path === 0 ? '' : `-${path}`}`
    const firstOnly = path === 0 && disk.inBootOrder !== false ? [bootIndex] : []
    return [
      '-drive',
      drive(disk, id),
      '-device',
      [...deviceOf(disk, index, id), ...sectors(disk), ...firstOnly].join(','),
    ]
  })
  return [...controller, ...paths.flat()]
}

/** Several devices on one file need its lock gone; the host's page cache, the same for all, keeps them coherent. */
function drive(disk: DiskSpec, id: string): string {
  const locking = disk.paths === undefined ? '' : ',file.locking=off'
  const discard = disk.ignoresDiscard ? 'ignore' : 'unmap'
  return `if=none,id=${id},${fileOf(disk)},discard=${discard},detect-zeroes=off${locking}`
}

function fileOf({ path, format, failingSector }: DiskSpec): string {
  const file = quoted(path)
  if (format === 'nbd') return `format=raw,file.driver=nbd,file.server.type=unix,file.server.path=${file}`
  if (failingSector === undefined) return `format=${format},file=${file}`
  const eio = 5
  const error = {
    event: 'none',
    iotype: 'write',
    errno: eio,
    sector: failingSector.sector,
    once: failingSector.once ? 'on' : 'off',
  }
  const rule = Object.entries(error).map(([name, value]) => `file.inject-error.0.${name}=${value}`)
  return [`format=${format},file.driver=blkdebug,file.image.driver=file,file.image.filename=${file}`, ...rule].join(',')
}

function deviceOf(disk: DiskSpec, index: number, id: string): string[] {
  const facts = [`drive=${id}`, `serial=${disk.serial}`]
  if (disk.bus === 'nvme') return ['nvme', ...facts]
  if (disk.bus === 'sata') return ['ide-hd', `bus=ide.${index}`, ...facts]
  if (disk.bus !== 'scsi') return ['virtio-blk-pci', ...facts]
  const shared = disk.paths === undefined ? [] : [`wwn=0x${disk.paths.wwn}`, 'share-rw=on']
  return ['scsi-hd', `bus=scsi${index}.0`, ...facts, ...shared]
}

function sectors({ sectorBytes }: DiskSpec): string[] {
  return sectorBytes === undefined ? [] : [`logical_block_size=${sectorBytes}`, `physical_block_size=${sectorBytes}`]
}

/** In QEMU's option lists a comma inside a value is written twice. */
function quoted(value: string): string {
  return value.replaceAll(',', ',,')
}
