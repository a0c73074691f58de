import { join } from 'node:path'

/*
 * What Bootwright keeps on a machine's btrfs, below the top of the filesystem (subvolume 5) and beside whatever else is
 * there. `pool` is where that top is mounted.
 *
 *   bootwright/versions/VERSION/VERSION       a version as it was received: a read-only subvolume
 *   bootwright/versions/VERSION/record.json   by which a later deployment knows it again (kept-versions.ts)
 *   bootwright/systems/DEPLOYMENT/root        what is booted: a writable snapshot of a version
 *   bootwright/systems/DEPLOYMENT/record.json what the menu says of it (systems.ts)
 *   bootwright/grub                           a subvolume: GRUB's modules and menu, /boot/grub of every system
 *   bootwright/work/                          what is being made; emptied at the beginning of each deployment
 *
 * A read-only subvolume cannot be moved, the directory it lies in can: what is whole is moved out of work/ with it.
 */

/** From the top of the filesystem, as `subvol=` and GRUB name them. */
export const poolPaths = {
  grub: 'bootwright/grub',
  versions: 'bootwright/versions',
  systems: 'bootwright/systems',
  work: 'bootwright/work',
} as const

export function versionSubvolume(pool: string, version: string): string {
  return join(pool, poolPaths.versions, version, version)
}

/** From the top of the filesystem: `bootwright/systems/DEPLOYMENT/root`. */
export function systemPath(deploymentId: string): string {
  return `${poolPaths.systems}/${deploymentId}/root`
}

export const recordName = 'record.json'
