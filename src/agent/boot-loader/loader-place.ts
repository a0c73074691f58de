import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** In every directory of an ESP that we wrote: an ESP that is kept is shared with systems we know nothing of. */
const markName = 'BOOTWRIGHT.TXT'
const markText =
  'The boot loader in this directory was installed by Bootwright, which replaces it at the next deployment.\r\n'
/** Where our loader lies beside somebody else's of the same distribution. */
const ownDirectory = 'bootwright'
export const fallbackDirectory = 'BOOT'

/** Where on an ESP the loader goes: EFI/`directory`, and EFI/BOOT as well when that is nobody else's. */
export type LoaderPlace = {
  directory: string
  /** EFI/`vendor` belongs to another system: a signed GRUB would read that one's menu. */
  isBesideAnother: boolean
  mayUseFallback: boolean
}

/** `espDirectory` is where the ESP is mounted. */
export function chooseLoaderPlace(espDirectory: string, vendor: string): LoaderPlace {
  const isBesideAnother = !isOurs(espDirectory, vendor)
  return {
    directory: isBesideAnother ? ownDirectory : vendor,
    isBesideAnother,
    mayUseFallback: isOurs(espDirectory, fallbackDirectory),
  }
}

export function markAsOurs(espDirectory: string, directory: string): void {
  mkdirSync(join(espDirectory, 'EFI', directory), { recursive: true })
  writeFileSync(join(espDirectory, 'EFI', directory, markName), markText)
}

/** Missing, empty, or marked; FAT knows no case. */
function isOurs(espDirectory: string, directory: string): boolean {
  const efi = findName(espDirectory, 'EFI')
  const found = efi === undefined ? undefined : findName(join(espDirectory, efi), directory)
  if (found === undefined) return true
  const names = readdirSync(join(espDirectory, efi!, found))
  return names.length === 0 || names.some((name) => name.toUpperCase() === markName)
}

function findName(directory: string, wanted: string): string | undefined {
  return readdirSync(directory).find((name) => name.toUpperCase() === wanted.toUpperCase())
}
