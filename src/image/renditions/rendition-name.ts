import { DecodeError } from '../../bytes/decode-error.ts'

export const volumeFilesystems = ['ext4', 'btrfs', 'xfs'] as const
export type VolumeFilesystem = (typeof volumeFilesystems)[number]

/** Forms that run from memory: plain files, not chunks (docs/adr/0010-ram-root.md). */
export const ramRootForms = ['squashfs', 'initrd'] as const
export type RamRootForm = (typeof ramRootForms)[number]

/** `parent` is the version that the receiver of a btrfs stream has already; without it the stream is whole. */
export type RenditionRequest =
  | { name: 'volume'; filesystem: VolumeFilesystem }
  | { name: 'disk' }
  | { name: 'btrfs'; parent?: string | undefined }

const pattern = /^(?:volume-(ext4|btrfs|xfs)|(disk)|btrfs(?:-from-([0-9a-f]{64}))?)$/

export function isRamRootForm(text: string): text is RamRootForm {
  return (ramRootForms as readonly string[]).includes(text)
}

/** The directory and URL segment of a rendition: `volume-ext4`, `disk`, `btrfs`, `btrfs-from-VERSION`. */
export function formatRenditionName(request: RenditionRequest): string {
  switch (request.name) {
    case 'volume':
      return `volume-${request.filesystem}`
    case 'disk':
      return 'disk'
    case 'btrfs':
      return request.parent === undefined ? 'btrfs' : `btrfs-from-${request.parent}`
  }
}

/** Throws DecodeError. */
export function parseRenditionName(text: string): RenditionRequest {
  const match = pattern.exec(text)
  if (!match) throw new DecodeError('rendition name', `"${text}" is none of volume-ext4, -btrfs, -xfs, disk and btrfs`)
  const [, filesystem, disk, parent] = match
  if (filesystem !== undefined) return { name: 'volume', filesystem: filesystem as VolumeFilesystem }
  if (disk !== undefined) return { name: 'disk' }
  return parent === undefined ? { name: 'btrfs' } : { name: 'btrfs', parent }
}

export function isRenditionName(text: string): boolean {
  return pattern.test(text)
}
