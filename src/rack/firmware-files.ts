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

/** A UEFI machine's firmware, and the variables that its copy begins with. */
export function uefiFiles({ secureBoot = false }: Pick<MachineSpec, 'secureBoot'>) {
  const { uefiCode, uefiVariables, secureCode, secureVariables } = firmwareFiles
  return secureBoot ? { code: secureCode, variables: secureVariables } : { code: uefiCode, variables: uefiVariables }
}
