import type { Architecture, Firmware, FirmwareKind } from '../core/firmware.ts'

/** `bootFile` is a path in the virtual tree (boot/tree.ts), the same over TFTP and HTTP. */
export type LoaderChoice = { bootFile: string; because: string }

type LoaderRow = LoaderChoice & { firmware: FirmwareKind; architecture: Architecture }

/**
 * What each firmware runs first. A group's choice of another loader (GRUB behind shim, PXELINUX) is a further column
 * here; firmware without a row gets no boot file.
 */
const loaders: readonly LoaderRow[] = [
  {
    firmware: 'bios-pxe',
    architecture: 'x86',
    bootFile: 'ipxe/undionly.kpxe',
    because: 'BIOS PXE runs iPXE on the network card driver of its own ROM (UNDI)',
  },
  {
    firmware: 'uefi-pxe',
    architecture: 'x64',
    bootFile: 'ipxe/snponly.efi',
    // The firmware's driver keeps the link up: iPXE's native drivers reset it, and spanning tree starts again.
    because: "UEFI PXE on x64 runs iPXE on the firmware's own network driver (SNP)",
  },
  {
    firmware: 'uefi-pxe',
    architecture: 'ia32',
    bootFile: 'ipxe/ia32/snponly.efi',
    because: "UEFI PXE on IA32 runs iPXE on the firmware's own network driver (SNP)",
  },
  {
    firmware: 'uefi-pxe',
    architecture: 'arm64',
    bootFile: 'ipxe/arm64/snponly.efi',
    because: "UEFI PXE on ARM64 runs iPXE on the firmware's own network driver (SNP)",
  },
  {
    firmware: 'raspberry-pi',
    architecture: 'arm64',
    bootFile: 'bootcode.bin',
    because: 'a Raspberry Pi fetches its boot code and then files below its serial number',
  },
]

/** Every loader that some firmware may be told to run. */
export const loaderBootFiles: readonly string[] = loaders.map(({ bootFile }) => bootFile)

/** Undefined when nothing we serve runs on that firmware; iPXE itself gets a script and no loader. */
export function chooseLoader(firmware: Firmware): LoaderChoice | undefined {
  const row = loaders.find((row) => row.firmware === firmware.kind && row.architecture === firmware.architecture)
  return row && { bootFile: row.bootFile, because: row.because }
}
