import type { Deployment } from '../core/deployment.ts'
import { contentOf, rootOf } from '../core/layout.ts'
import { formatRenditionName } from '../image/renditions/rendition-name.ts'
import type { Version } from '../image/repository.ts'
import { chooseLayout, type LayoutWish } from './choose-layout.ts'
import type { ImageShelf } from './image-shelf.ts'

export type Target = Pick<Deployment, 'layout' | 'filesystem' | 'rendition'>

/**
 * What is written to where. Where nobody said with what: a foreign disk as it is; an empty root with the version's volume,
 * if there is one; else the tree. Throws NotFound and LayoutInvalid.
 */
export function chooseTarget(
  wish: LayoutWish,
  version: Pick<Version, 'source' | 'entries'>,
  renditions: readonly string[],
): Target {
  if (wish.rendition === undefined && isWholeDisk(version)) return chooseLayout({ ...wish, rendition: 'disk' })
  const target = chooseLayout(wish)
  if (wish.rendition !== undefined || target.rendition !== 'tree') return target
  const isEmpty = contentOf(rootOf(target.layout)) === 'made'
  return isEmpty && renditions.includes(`volume-${target.filesystem}`) ? { ...target, rendition: 'volume' } : target
}

/** Its tree is the root directory and one file: there is no other way to deploy it. */
export function isWholeDisk({ source, entries }: Pick<Version, 'source' | 'entries'>): boolean {
  return source?.kind === 'disk' && entries === 2
}

/**
 * The rendition that a target needs and that has to be made first; undefined when all is there. `onDisk` is what the
 * machine's disk has, as far as is known here.
 */
export async function renditionToMake(
  images: Pick<ImageShelf, 'renditions' | 'firstKnown'>,
  version: string,
  target: Target,
  onDisk?: Pick<Deployment, 'keptVersions'>,
): Promise<string | undefined> {
  const name = await renditionName(images, version, target, onDisk?.keptVersions ?? [])
  return name === undefined || (await images.renditions(version)).includes(name) ? undefined : name
}

async function renditionName(
  images: Pick<ImageShelf, 'firstKnown'>,
  version: string,
  { rendition, filesystem, layout }: Target,
  keptVersions: readonly string[],
): Promise<string | undefined> {
  if (rendition === 'tree') return undefined
  if (rendition === 'disk') return 'disk'
  if (rendition === 'volume') return `volume-${filesystem}`
  const kept = contentOf(rootOf(layout)) === 'received' ? keptVersions : []
  if (kept.includes(version)) return undefined
  return formatRenditionName({ name: 'btrfs', parent: await images.firstKnown(kept) })
}
