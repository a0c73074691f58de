import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where firmware looks when it has no boot entry (UEFI specification §3.5.1.1). */
const fallbackNames: Record<string, string> = { x64: 'BOOTX64.EFI', arm64: 'BOOTAA64.EFI' }

/** grub-install wrote no loader that we know. */
export class LoaderMissing extends Error {
  override readonly name = 'LoaderMissing'
}

const suffixOf = (architecture: string) => (architecture === 'arm64' ? 'aa64.efi' : 'x64.efi')

/** The loader that grub-install put into EFI/`directory` of a mounted ESP: shim where there is one, else GRUB itself. */
export function installedLoader(espDirectory: string, directory: string, architecture: string): string {
  const files = readdirSync(join(espDirectory, 'EFI', directory))
  const suffix = suffixOf(architecture)
  const loader = [`shim${suffix}`, `grub${suffix}`].find((name) => files.includes(name))
  if (loader !== undefined) return loader
  throw new LoaderMissing(
    `grub-install left no shim${suffix} or grub${suffix} in EFI/${directory} (it has: ${files.join(', ')})`,
  )
}

/**
 * Copies the loader of EFI/`directory` to EFI/BOOT: shim with the GRUB it loads, or GRUB alone. Debian's fbx64.efi stays
 * behind: beside shim it would make boot entries of its own. FAT has no links, so nothing here can lead out of the ESP.
 */
export function copyFallbackLoader(
  espDirectory: string,
  directory: string,
  loader: string,
  architecture: string,
): void {
  const from = join(espDirectory, 'EFI', directory)
  const files = readdirSync(from)
  const suffix = suffixOf(architecture)
  const fallback = fallbackNames[architecture]
  if (fallback === undefined) throw new LoaderMissing(`UEFI has no fallback loader for ${architecture}`)
  const to = join(espDirectory, 'EFI/BOOT')
  mkdirSync(to, { recursive: true })
  copyFileSync(join(from, loader), join(to, fallback))
  for (const beside of [`grub${suffix}`, `mm${suffix}`, 'grub.cfg']) {
    if (files.includes(beside) && beside !== loader) copyFileSync(join(from, beside), join(to, beside))
  }
}
