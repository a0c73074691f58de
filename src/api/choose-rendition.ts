import type { FilesystemType, PartitionContent } from '../core/layout.ts'
import type { DeployRendition } from '../core/order.ts'
import type { Version } from '../image/repository.ts'

/** What a root of this kind is written with, where nobody said it: what moves fastest of what is there. */
export function chooseRendition(
  version: Pick<Version, 'source' | 'entries'>,
  renditions: readonly string[],
  root: { content: PartitionContent; filesystem: FilesystemType },
): DeployRendition {
  if (isWholeDisk(version)) return 'disk'
  const isEmpty = root.content === 'made'
  return isEmpty && renditions.includes(`volume-${root.filesystem}`) ? 'volume' : 'tree'
}

/** The rendition's name in the repository, where it has to be made before a machine can have it. */
export function renditionToMake(rendition: DeployRendition, filesystem: FilesystemType): string | undefined {
  if (rendition === 'disk') return 'disk'
  return rendition === 'volume' ? `volume-${filesystem}` : undefined
}

/** Its tree is the root directory and one file; there is no other way to deploy it. */
function isWholeDisk({ source, entries }: Pick<Version, 'source' | 'entries'>): boolean {
  return source?.kind === 'disk' && entries === 2
}
