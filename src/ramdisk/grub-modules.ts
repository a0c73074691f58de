import { join, resolve } from 'node:path'
import { resolvePackages, unpackPackages } from './debian-packages.ts'
import { targets } from './target.ts'

const name = 'grub-efi-arm64-bin'

/**
 * The directory of GRUB's modules for UEFI on arm64, from Debian's package for that architecture: they are data to grub-mkimage,
 * which is the same program on every machine. Throws ProgramFailed.
 */
export async function fetchGrubModules(options: { cacheDirectory: string; signal?: AbortSignal }): Promise<string> {
  const directory = join(resolve(options.cacheDirectory), 'ramdisk')
  const cache = { directory, architecture: targets.arm64.debian, signal: options.signal }
  const packages = (await resolvePackages(cache, [name])).filter((each) => each.name === name)
  const unpacked = await unpackPackages(cache, packages, () => {})
  return join(unpacked.get(name)!, 'usr/lib/grub/arm64-efi')
}
