import { btrfsVolume } from './btrfs-volume.ts'
import { ext4Volume } from './ext4-volume.ts'
import type { VolumeFilesystem } from './rendition-name.ts'
import type { VolumeDriver } from './volume-driver.ts'
import { xfsVolume } from './xfs-volume.ts'

export const volumeDrivers: Record<VolumeFilesystem, VolumeDriver> = {
  ext4: ext4Volume,
  btrfs: btrfsVolume,
  xfs: xfsVolume,
}
