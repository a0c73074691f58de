import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Logger } from 'pino'
import type { BootPlane } from './api/boot-plane.ts'
import { type BootTree, debianLoaders, filesMounts, type TreeMount, usualTftpRoots } from './boot/tree.ts'
import type { GrubImage } from './content/grub-image.ts'
import { makeDiskLoader } from './content/make-disk-loader.ts'
import { type GrubPlatform, makeGrubLoader } from './content/make-grub-loader.ts'
import type { AgentArchitecture } from './core/agent-architecture.ts'
import type { CheckedFile } from './core/yaml-file.ts'
import { namesLoader, type SiteFile } from './dhcp/site-file.ts'
import type { Ramdisks } from './ramdisks.ts'

/** Where the loader that starts a UEFI machine's own disk stands in the tree. */
const diskLoaderPath = 'grub/disk-x64.efi'

/** Where versions stand in the tree. */
export const versionsPath = 'versions'

/** GRUB for Macs. */
const macLoaderPath = 'mactel64.efi'

/** What Debian's signed GRUB asks for, below the prefix that is built into it. */
const signedGrubConfiguration: TreeMount = {
  at: 'grub/grub.cfg',
  file: join(import.meta.dirname, 'content/signed-grub.cfg'),
}

/**
 * The virtual tree of this service, with the loaders that are made here. The operator's files stand first: what lies there is
 * served as it is. Throws YamlFileInvalid.
 */
export async function servingTree(
  options: { dataDirectory: string; imageDirectory: string; bootPort: number; siteFile: CheckedFile<SiteFile> },
  ramdisks: Ramdisks['place'],
  log: Logger,
): Promise<BootTree> {
  const [files, made] = [await operatorFiles(options.siteFile), await madeLoaders(options, log)]
  // Kernels, archives and roots of versions that run from memory (ramroot/), as loaders fetch them
  const versions = { at: versionsPath, directory: join(options.imageDirectory, 'versions') }
  return [...files, ...ramdiskMounts(ramdisks), versions, ...made, ...debianLoaders, signedGrubConfiguration]
}

function ramdiskMounts(ramdisks: Ramdisks['place']): BootTree {
  const isImmutable = true
  if ('root' in ramdisks) return [{ at: 'ramdisk', directory: ramdisks.root, isImmutable }]
  return ramdisks.given.map((directory) => ({ at: `ramdisk/${basename(directory)}`, directory, isImmutable }))
}

/** What starts a disk, as a machine's boot script names it. */
export function diskLoaderOf(tree: BootTree, url: string): Pick<BootPlane, 'diskLoader'> {
  const mount = tree.find(({ at }) => at === diskLoaderPath)
  if (!mount || !('file' in mount)) return {}
  return { diskLoader: { url: `${url}/${diskLoaderPath}`, file: mount.file } }
}

async function operatorFiles({ content: site, refuse }: CheckedFile<SiteFile>): Promise<BootTree> {
  if (site.files === undefined) return []
  const given = typeof site.files === 'string' ? { directory: site.files } : site.files
  const found = await stat(given.directory).catch(() => undefined)
  if (!found?.isDirectory()) refuse([{ path: ['files'], message: `there is no directory ${given.directory}` }])
  const { alsoBelow = [], oldRoots = usualTftpRoots } = given
  return filesMounts(
    resolve(given.directory),
    alsoBelow.map((path) => resolve(path)),
    oldRoots,
  )
}

async function madeLoaders(
  { dataDirectory, bootPort, siteFile }: { dataDirectory: string; bootPort: number; siteFile: CheckedFile<SiteFile> },
  log: Logger,
): Promise<BootTree> {
  const file = (name: string) => join(dataDirectory, 'loaders', name)
  const grub = (name: string, platform: GrubPlatform) => makeGrubLoader(file(name), platform, bootPort)
  const made = await Promise.all([
    toldOf(
      makeDiskLoader(file('disk-x64.efi')),
      "UEFI machines reach their disk by the firmware's own boot order alone",
    ),
    ...(namesLoader(siteFile.content, 'grub')
      ? [toldOf(grub('core.0', 'pc'), 'no GRUB for BIOS'), toldOf(grub('core-x64.efi', 'efi-x64'), 'no GRUB for UEFI')]
      : []),
    ...(siteFile.content.netBoot ? [toldOf(grub(macLoaderPath, 'mac'), 'no GRUB for Macs')] : []),
  ])
  const mounts = made.flatMap(({ loader, lacking }) => {
    if (loader.kind === 'made') return [mountOf(loader.file)]
    log.warn({ reason: loader.reason }, lacking)
    return []
  })
  return architecturesOf(siteFile).includes('arm64') ? [...mounts, mountOf(arm64LoaderFile(dataDirectory))] : mounts
}

/** `lacking`: what there is not when it cannot be made. */
async function toldOf(made: Promise<GrubImage>, lacking: string) {
  return { loader: await made, lacking }
}

/** What Macs run stands at the top, where their configurations have it. */
function mountOf(loaderFile: string): TreeMount {
  const name = basename(loaderFile)
  return { at: name === macLoaderPath ? name : `grub/${name}`, file: loaderFile }
}

/** GRUB for arm64 has its place in the tree before it is made (ramdisks.ts). */
export function arm64LoaderFile(dataDirectory: string): string {
  return join(dataDirectory, 'loaders', 'core-arm64.efi')
}

export function architecturesOf({ content }: CheckedFile<SiteFile>): readonly AgentArchitecture[] {
  return content.architectures ?? ['x64']
}
