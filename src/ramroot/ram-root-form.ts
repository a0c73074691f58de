import type { Member } from '../image/group-members.ts'
import type { RamRoot, RamRootFile } from '../image/renditions/stored-ram-root.ts'

/** Where programs and data of ours lie before the root is there; nothing of it is left when the system runs. */
export const earlyRoot = '.bootwright'

const pageBytes = 4096

/** As tmpfs holds them: whole pages, holes too, and about 1 KiB for an inode. */
export function memoryOf(members: Iterable<Member>): number {
  let bytes = 0
  for (const { node, firstPath } of members) {
    if (firstPath !== undefined) continue
    bytes += 1024 + (node.type === 'file' ? Math.ceil(node.sizeBytes / pageBytes) * pageBytes : 0)
  }
  return bytes
}

export function ramRootFile({ files }: Pick<RamRoot, 'files'>, name: string): RamRootFile {
  return files.find((file) => file.name === name)!
}

/** Kernel and archives, and a root that is fetched by itself. */
export function bytesToFetch({ files }: Pick<RamRoot, 'files'>): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
