import type { MachineSpec } from './machine-spec.ts'

/** Where Debian puts what the machines start from, with the package that brings it. */
export const firmwareFiles = {
  uefiCode: { path: '/usr/share/OVMF/OVMF_CODE_4M.fd', package: 'ovmf' },
  uefiVariables: { path: '/usr/share/OVMF/OVMF_VARS_4M.fd', package: 'ovmf' },
  secureCode: { path: '/usr/share/OVMF/OVMF_CODE_4M.ms.fd', package: 'ovmf' },
  /** With Microsoft's keys, and Secure Boot on. */
  secureVariables: { path: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd', package: 'ovmf' },
  bios: { path: '/usr/share/seabios/bios-256k.bin', package: 'seabios' },
  ipxeRom: { path: '/usr/lib/ipxe/qemu/efi-virtio.rom', package: 'ipxe-qemu' },
} as const

/** The same for machines of arm64, which not every rack has. */
export const arm64FirmwareFiles = {
  uefiCode: { path: '/usr/share/AAVMF/AAVMF_CODE.fd', package: 'qemu-efi-aarch64' },
  uefiVariables: { path: '/usr/share/AAVMF/AAVMF_VARS.fd', package: 'qemu-efi-aarch64' },
} as const

/** A UEFI machine's firmware, and the variables that its copy begins with. */
export function uefiFiles({ architecture, secureBoot = false }: Pick<MachineSpec, 'architecture' | 'secureBoot'>) {
  const { uefiCode: code, uefiVariables: variables } = architecture === 'arm64' ? arm64FirmwareFiles : firmwareFiles
  const { secureCode, secureVariables } = firmwareFiles
  return secureBoot ? { code: secureCode, variables: secureVariables } : { code, variables }
}
