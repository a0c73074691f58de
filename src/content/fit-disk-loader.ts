/** Stands in the disk loader for the FAT volume id of an ESP, as blkid writes it; no filesystem has this one. */
export const anyEsp = '0000-0000'

/** A disk loader without the place where the ESP belongs: another program, or one made by an older release. */
export class DiskLoaderUnusable extends Error {
  override readonly name = 'DiskLoaderUnusable'
}

/**
 * The disk loader (make-disk-loader.ts) for one machine's ESP: it starts that disk, whichever others have a loader too.
 * The same length, in new memory. Throws DiskLoaderUnusable.
 */
export function fitDiskLoader(loader: Buffer, espUuid: string): Buffer {
  const command = Buffer.from(searchCommand(anyEsp))
  const at = loader.indexOf(command)
  if (at < 0 || espUuid.length !== anyEsp.length) {
    throw new DiskLoaderUnusable(`Cannot make the disk loader start the ESP ${espUuid}: it has no place for that`)
  }
  const fitted = Buffer.from(loader)
  fitted.write(searchCommand(espUuid), at)
  return fitted
}

/** A line of GRUB's: makes the filesystem the root. */
export function searchCommand(espUuid: string): string {
  return `search.fs_uuid ${espUuid} root`
}
