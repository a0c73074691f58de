import type { Mac } from '../bytes/mac.ts'

export type DiskSpec = {
  /** Of the file; of the unix socket where the format is `nbd` (nbd-server.ts). */
  path: string
  format: 'qcow2' | 'raw' | 'nbd'
  /** What the guest sees as the disk's serial number; at most 20 characters. */
  serial: string
  /** How the guest sees it; virtio where not given. x64 has six ports for `sata`. */
  bus?: 'virtio' | 'nvme' | 'scsi' | 'sata'
  /** False: the firmware is told to start from everything else only, and drops its boot entries (UEFI). */
  inBootOrder?: boolean
  /** Discards are acknowledged and not done. */
  ignoresDiscard?: boolean
  /** Logical and physical sector; 512 where not given. SeaBIOS boots no disk of 4096. */
  sectorBytes?: 512 | 4096
  /** Raw files alone: writes that touch this sector of 512 bytes fail, each of them or the first (QEMU's blkdebug). */
  failingSector?: { sector: number; once: boolean }
  /** SCSI alone: the disk appears as often, each time with this world-wide name (64 bits, hexadecimal). */
  paths?: { count: number; wwn: string }
}

export type NicModel = 'virtio-net-pci' | 'e1000' | 'e1000e'

/** One virtual machine: what would be screwed into the rack. */
export type MachineSpec = {
  name: string
  /** x64 where not given. arm64 is QEMU's `virt` with UEFI, emulated on every host. */
  architecture?: 'x64' | 'arm64'
  firmware: 'bios' | 'uefi'
  /**
   * What asks the network first. `firmware`: EDK2's own PXE on UEFI (SeaBIOS has none of its own: there it is the iPXE ROM
   * on the card, as on every BIOS machine under QEMU). `firmware-http`: EDK2's own HTTP boot, its PXE switched off.
   * `ipxe-rom`: the iPXE ROM on the card also on UEFI.
   */
  networkBoot: 'firmware' | 'firmware-http' | 'ipxe-rom'
  /** UEFI only: firmware that starts what Microsoft's keys have signed, and nothing else. */
  secureBoot?: boolean
  mac: Mac
  /** Of further network cards, which firmware asks in this order after the first. */
  furtherMacs: readonly Mac[]
  uuid: string
  nic: NicModel
  /** The switch that all its cards are plugged into. */
  bridge: string
  /** An Intel 6300ESB that resets the machine. */
  watchdog?: boolean
  /** QEMU's own management processor, which has no network card. */
  bmc?: boolean
  memoryMiB: number
  processors: number
  /** Firmware tries them after the network, in this order. */
  disks: readonly DiskSpec[]
}
