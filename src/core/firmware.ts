/** What asks for a boot file (shared vocabulary: firmware). `ipxe` is any iPXE, in ROM or loaded by us. */
export type FirmwareKind = 'bios-pxe' | 'uefi-pxe' | 'uefi-http' | 'apple-netboot' | 'raspberry-pi' | 'ipxe'
/** Instruction set of what asks, from DHCP option 93 (RFC 4578 §2.1). */
export type Architecture = 'x86' | 'ia32' | 'x64' | 'arm32' | 'arm64'
/** What the machine came up as; iPXE reports it through its own architecture option, a Raspberry Pi is `rpi`. */
export type Platform = 'bios' | 'uefi' | 'rpi'

export type Firmware = { kind: FirmwareKind; platform: Platform; architecture: Architecture }
