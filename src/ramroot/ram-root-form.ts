import type { AgentArchitecture } from '../core/agent-architecture.ts'
import type { Member } from '../image/group-members.ts'
import type { RamRootForm } from '../image/renditions/rendition-name.ts'

/** Bytes of the pieces whose hashes are recorded beside that of the whole file. */
export const pieceBytes = 4 * 1024 * 1024

/** A plain file of a rendition, as it is served. */
export type RamRootFile = {
  name: string
  sizeBytes: number
  sha256: string
  /** SHA-256 of each 4 MiB from the start on; the last piece may be shorter. */
  pieces: readonly string[]
}

export const ramRootFormat = 'bootwright-ramroot-1'

/** What a machine needs to run a version from memory; `index.json` beside the files says the same. */
export type RamRoot = {
  format: typeof ramRootFormat
  version: string
  form: RamRootForm
  architecture: AgentArchitecture
  kernelRelease: string
  /** Names: the kernel, the archives it unpacks, in order, and what holds the root. Of an `initrd` that is one of the archives. */
  kernel: string
  initrds: readonly string[]
  root: string
  files: readonly RamRootFile[]
  /** Memory that the unpacked files would take, page by page. */
  contentBytes: number
  /** What is put back at boot. */
  restored: { attributes: number; times: number }
}

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
