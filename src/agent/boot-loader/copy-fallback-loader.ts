import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where firmware looks when it has no boot entry (UEFI specification §3.5.1.1). */
const fallbackNames: Record<string, string> = { x64: 'BOOTX64.EFI', arm64: 'BOOTAA64.EFI' }

/** grub-install wrote no loader that we know. */
export class LoaderMissing extends Error {
  override readonly name = 'LoaderMissing'
}

/**
 * Copies what grub-install put into EFI/VENDOR of a mounted ESP to EFI/BOOT: shim where there is one (it loads the GRUB
 * beside it), else GRUB itself. Debian's fbx64.efi stays behind: beside shim it would make boot entries of its own.
 * Gives the loader's name in EFI/VENDOR. FAT has no links, so nothing here can lead out of the ESP.
 */
export function copyFallbackLoader(espDirectory: string, vendor: string, architecture: string): string {
  const from = join(espDirectory, 'EFI', vendor)
  const files = readdirSync(from)
  const suffix = architecture === 'arm64' ? 'aa64.efi' : 'x64.efi'
  const loader = [`shim${suffix}`, `grub${suffix}`].find((name) => files.includes(name))
  const fallback = fallbackNames[architecture]
  if (loader === undefined || fallback === undefined) {
    throw new LoaderMissing(
      `grub-install left no shim${suffix} or grub${suffix} in EFI/${vendor} (it has: ${files.join(', ')})`,
    )
  }
  const to = join(espDirectory, 'EFI/BOOT')
  mkdirSync(to, { recursive: true })
  copyFileSync(join(from, loader), join(to, fallback))
  for (const beside of [`grub${suffix}`, `mm${suffix}`, 'grub.cfg']) {
    if (files.includes(beside) && beside !== loader) copyFileSync(join(from, beside), join(to, beside))
  }
  return loader
}
