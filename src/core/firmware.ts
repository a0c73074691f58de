/** What asks for a boot file (shared vocabulary: firmware). `ipxe` is any iPXE, in ROM or loaded by us. */
export type FirmwareKind = 'bios-pxe' | 'uefi-pxe' | 'uefi-http' | 'apple-netboot' | 'ipxe'
/** Instruction set of what asks, from DHCP option 93 (RFC 4578 §2.1). */
export type Architecture = 'x86' | 'ia32' | 'x64' | 'arm32' | 'arm64'
/** Whether the machine came up as BIOS or UEFI; iPXE reports it through its own architecture option. */
export type Platform = 'bios' | 'uefi'

export type Firmware = { kind: FirmwareKind; platform: Platform; architecture: Architecture }
