import { type Static, Type } from 'typebox'
import { PartitionTable, Signature } from './partition-table.ts'

/**
 * Disks that are not chosen unless the rule asks for them. `lun`: storage reached by Fibre Channel or iSCSI, often shared.
 * `virtual-media`: what a BMC shows as a USB disk. `boot-area`: eMMC boot, RPMB and general-purpose areas.
 */
export const DiskSpecial = Type.Union([Type.Literal('lun'), Type.Literal('virtual-media'), Type.Literal('boot-area')])
export type DiskSpecial = Static<typeof DiskSpecial>

export const Disk = Type.Object({
  /** Kernel name for this boot only, `/dev/sda`: never used to choose. */
  device: Type.String(),
  bus: Type.String(),
  model: Type.Optional(Type.String()),
  serial: Type.Optional(Type.String()),
  wwn: Type.Optional(Type.String()),
  sizeBytes: Type.Integer(),
  logicalSectorBytes: Type.Integer(),
  physicalSectorBytes: Type.Integer(),
  rotational: Type.Boolean(),
  removable: Type.Boolean(),
  readOnly: Type.Boolean(),
  /** Kernel names of all paths to this disk, `device` among them, where there are several (same WWN). */
  paths: Type.Optional(Type.Array(Type.String(), { maxItems: 256 })),
  special: Type.Optional(DiskSpecial),
  /** What was in its partition table when the inventory was made. */
  table: Type.Optional(PartitionTable),
  /** What lies on the disk itself, where there is no table: a filesystem, LVM, RAID. */
  signature: Type.Optional(Signature),
})
export type Disk = Static<typeof Disk>

const Claim = Type.Optional(Type.String({ maxLength: 255 }))

/** What a switch says of itself and of the port that a cable leads to, by LLDP or Cisco's CDP. */
export const Neighbour = Type.Object({
  protocol: Type.Union([Type.Literal('lldp'), Type.Literal('cdp')]),
  /** LLDP's chassis id; its MAC address with most switches. */
  chassis: Claim,
  system: Claim,
  port: Claim,
  portDescription: Claim,
  /** IPv4 or IPv6, for people. */
  managementAddress: Claim,
  /** The VLAN of frames without a tag. */
  vlan: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffff })),
})
export type Neighbour = Static<typeof Neighbour>

/** The machine's own management processor, as it answers over IPMI. */
export const Bmc = Type.Object({
  /** Dotted; absent where it has none yet. */
  address: Claim,
  mac: Claim,
  /** Where its address comes from: `static`, `dhcp`. */
  source: Claim,
  firmware: Claim,
})
export type Bmc = Static<typeof Bmc>

export const NetworkInterface = Type.Object({
  name: Type.String(),
  mac: Type.String(),
  driver: Type.Optional(Type.String()),
  linkUp: Type.Boolean(),
  speedMbps: Type.Optional(Type.Integer()),
  /** This is the interface the machine was booted from (BOOTIF). */
  bootedFrom: Type.Boolean(),
  /** What was last heard on its cable, and when: milliseconds since the epoch. Told after the inventory. */
  neighbour: Type.Optional(Neighbour),
  neighbourHeardAt: Type.Optional(Type.Integer()),
})
export type NetworkInterface = Static<typeof NetworkInterface>

/** What the agent found; strings are the machine's claims and are escaped wherever they are shown. */
export const Inventory = Type.Object({
  firmware: Type.Union([Type.Literal('bios'), Type.Literal('uefi')]),
  secureBoot: Type.Optional(Type.Boolean()),
  architecture: Type.String(),
  smbios: Type.Object({
    uuid: Type.Optional(Type.String()),
    manufacturer: Type.Optional(Type.String()),
    product: Type.Optional(Type.String()),
    serial: Type.Optional(Type.String()),
    biosVersion: Type.Optional(Type.String()),
    /** As the firmware writes it: `04/01/2014`. */
    biosDate: Type.Optional(Type.String()),
  }),
  cpu: Type.Object({ model: Type.String(), count: Type.Integer() }),
  memoryBytes: Type.Integer(),
  disks: Type.Array(Disk),
  interfaces: Type.Array(NetworkInterface),
  /** Told after the inventory. */
  bmc: Type.Optional(Bmc),
  /** Kernel modules that were loaded: which driver wants firmware shows here, whether it found it or not. */
  drivers: Type.Array(Type.String(), { maxItems: 2000 }),
})
export type Inventory = Static<typeof Inventory>

/** What takes seconds to learn, so that nothing waits for it: told while the machine works, in parts. */
export const Surroundings = Type.Object({
  neighbours: Type.Array(Type.Object({ mac: Type.String(), neighbour: Neighbour }), { maxItems: 256 }),
  bmc: Type.Optional(Bmc),
})
export type Surroundings = Static<typeof Surroundings>
