import type { Architecture, Firmware, FirmwareKind } from '../core/firmware.ts'
import type { LoaderName } from '../core/loader.ts'

/** `bootFile` is a path in the virtual tree (boot/tree.ts), the same over TFTP and HTTP. */
export type LoaderChoice = { loader: LoaderName; bootFile: string; because: string }

type LoaderRow = LoaderChoice & { firmware: FirmwareKind; architecture: Architecture }

/** What each firmware runs first, and what else it can; firmware without a row gets no boot file. */
const loaders: readonly LoaderRow[] = [
  {
    loader: 'ipxe',
    firmware: 'bios-pxe',
    architecture: 'x86',
    bootFile: 'ipxe/undionly.kpxe',
    because: 'BIOS PXE runs iPXE on the network card driver of its own ROM (UNDI)',
  },
  {
    loader: 'ipxe',
    firmware: 'uefi-pxe',
    architecture: 'x64',
    bootFile: 'ipxe/snponly.efi',
    // The firmware's driver keeps the link up: iPXE's native drivers reset it, and spanning tree starts again.
    because: "UEFI PXE on x64 runs iPXE on the firmware's own network driver (SNP)",
  },
  {
    loader: 'ipxe',
    firmware: 'uefi-pxe',
    architecture: 'ia32',
    bootFile: 'ipxe/ia32/snponly.efi',
    because: "UEFI PXE on IA32 runs iPXE on the firmware's own network driver (SNP)",
  },
  {
    loader: 'grub',
    firmware: 'uefi-pxe',
    architecture: 'arm64',
    bootFile: 'grub/core-arm64.efi',
    because: "UEFI PXE on ARM64 runs GRUB on the firmware's own network driver (SNP); Debian has no iPXE for it",
  },
  {
    loader: 'ipxe',
    firmware: 'raspberry-pi',
    architecture: 'arm64',
    bootFile: 'bootcode.bin',
    because: 'a Raspberry Pi fetches its boot code and then files below its serial number',
  },
  {
    loader: 'grub',
    firmware: 'bios-pxe',
    architecture: 'x86',
    bootFile: 'grub/core.0',
    because: 'GRUB was chosen; under BIOS PXE it uses the network card driver of its own ROM (UNDI)',
  },
  {
    loader: 'grub',
    firmware: 'uefi-pxe',
    architecture: 'x64',
    bootFile: 'grub/core-x64.efi',
    because: "GRUB was chosen; under UEFI it uses the firmware's own network driver (SNP)",
  },
  {
    loader: 'shim',
    firmware: 'uefi-pxe',
    architecture: 'x64',
    bootFile: 'shim/shimx64.efi',
    because: "shim was chosen; the signed GRUB behind it uses the firmware's own network driver (SNP)",
  },
  {
    loader: 'pxelinux',
    firmware: 'bios-pxe',
    architecture: 'x86',
    bootFile: 'pxelinux/lpxelinux.0',
    because: 'PXELINUX was chosen, with the network stack of its own that speaks HTTP',
  },
]

/**
 * The wanted loader where there is one for that firmware, else iPXE, else what there is. Undefined when nothing we serve runs on it; iPXE itself
 * gets a script and no loader.
 */
export function chooseLoader(firmware: Firmware, wanted: LoaderName = 'ipxe'): LoaderChoice | undefined {
  const runs = loaders.filter((row) => row.firmware === firmware.kind && row.architecture === firmware.architecture)
  const row = runs.find(({ loader }) => loader === wanted) ?? runs.find(({ loader }) => loader === 'ipxe') ?? runs[0]
  return row && { loader: row.loader, bootFile: row.bootFile, because: row.because }
}
