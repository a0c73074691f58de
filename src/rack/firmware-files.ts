/** Where Debian puts what the machines start from, with the package that brings it. */
export const firmwareFiles = {
  uefiCode: { path: '/usr/share/OVMF/OVMF_CODE_4M.fd', package: 'ovmf' },
  uefiVariables: { path: '/usr/share/OVMF/OVMF_VARS_4M.fd', package: 'ovmf' },
  bios: { path: '/usr/share/seabios/bios-256k.bin', package: 'seabios' },
  ipxeRom: { path: '/usr/lib/ipxe/qemu/efi-virtio.rom', package: 'ipxe-qemu' },
} as const
