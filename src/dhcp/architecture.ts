import type { Architecture, Platform } from '../core/firmware.ts'

/** One of option 93's numbers. `architecture` is absent where nothing in core/firmware is that instruction set. */
export type ArchitectureEntry = {
  /** As people and the site file write it. */
  name: string
  platform: Platform
  architecture?: Architecture
  over: 'pxe' | 'http'
}

/** IANA "Processor Architecture Types" (RFC 5970 §3.3; RFC 4578 §2.1 with erratum 4625). */
export const architectureTable: ReadonlyMap<number, ArchitectureEntry> = new Map([
  [0, { name: 'bios', platform: 'bios', architecture: 'x86', over: 'pxe' }],
  [2, { name: 'uefi-itanium', platform: 'uefi', over: 'pxe' }],
  [6, { name: 'uefi-ia32', platform: 'uefi', architecture: 'ia32', over: 'pxe' }],
  [7, { name: 'uefi-x64', platform: 'uefi', architecture: 'x64', over: 'pxe' }],
  // Named EBC by IANA, sent by x64 firmware (danderson/netboot#30).
  [9, { name: 'uefi-x64-ebc', platform: 'uefi', architecture: 'x64', over: 'pxe' }],
  [10, { name: 'uefi-arm32', platform: 'uefi', architecture: 'arm32', over: 'pxe' }],
  [11, { name: 'uefi-arm64', platform: 'uefi', architecture: 'arm64', over: 'pxe' }],
  [15, { name: 'uefi-ia32-http', platform: 'uefi', architecture: 'ia32', over: 'http' }],
  [16, { name: 'uefi-x64-http', platform: 'uefi', architecture: 'x64', over: 'http' }],
  [17, { name: 'uefi-ebc-http', platform: 'uefi', over: 'http' }],
  [18, { name: 'uefi-arm32-http', platform: 'uefi', architecture: 'arm32', over: 'http' }],
  [19, { name: 'uefi-arm64-http', platform: 'uefi', architecture: 'arm64', over: 'http' }],
  [20, { name: 'bios-http', platform: 'bios', over: 'http' }],
  [21, { name: 'uboot-arm32', platform: 'uefi', over: 'pxe' }],
  [22, { name: 'uboot-arm64', platform: 'uefi', over: 'pxe' }],
  [23, { name: 'uboot-arm32-http', platform: 'uefi', over: 'http' }],
  [24, { name: 'uboot-arm64-http', platform: 'uefi', over: 'http' }],
  [25, { name: 'uefi-riscv32', platform: 'uefi', over: 'pxe' }],
  [26, { name: 'uefi-riscv32-http', platform: 'uefi', over: 'http' }],
  [27, { name: 'uefi-riscv64', platform: 'uefi', over: 'pxe' }],
  [28, { name: 'uefi-riscv64-http', platform: 'uefi', over: 'http' }],
  [29, { name: 'uefi-riscv128', platform: 'uefi', over: 'pxe' }],
  [30, { name: 'uefi-riscv128-http', platform: 'uefi', over: 'http' }],
  [37, { name: 'uefi-loong32', platform: 'uefi', over: 'pxe' }],
  [38, { name: 'uefi-loong32-http', platform: 'uefi', over: 'http' }],
  [39, { name: 'uefi-loong64', platform: 'uefi', over: 'pxe' }],
  [40, { name: 'uefi-loong64-http', platform: 'uefi', over: 'http' }],
  [41, { name: 'rpi', platform: 'rpi', architecture: 'arm64', over: 'pxe' }],
])

const numbersByName = new Map([...architectureTable].map(([number, { name }]) => [name, number]))

/** A number or a name of the table; undefined for anything else. */
export function parseArchitecture(text: string): number | undefined {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  return numbersByName.get(text)
}
