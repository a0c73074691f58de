import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DiskPlan } from '../../core/disk-plan.ts'
import type { ExistingPartition } from '../../core/partition-table.ts'
import { chooseKernel, type Kernel } from '../boot-loader/choose-kernel.ts'
import { type GrubFacts, renderGrubConfig, renderGrubEntries } from '../boot-loader/grub-config.ts'
import { renderOtherSystems } from '../boot-loader/other-systems.ts'
import type { RootFilesystem } from '../disk/filesystems.ts'
import { InsideRoot } from '../inside-root.ts'
import type { PreparedDisk } from '../prepare-disk.ts'
import { poolPaths, systemPath } from './pool-places.ts'
import { createSubvolume } from './subvolume.ts'
import type { System } from './systems.ts'

/** Of a system that cannot be started any more: somebody removed its kernels. */
export class SystemCannotBoot extends Error {
  override readonly name = 'SystemCannotBoot'
}

/** The subvolume in which GRUB's modules and menu are. */
export async function ensureGrubSubvolume(pool: string): Promise<void> {
  const path = join(pool, poolPaths.grub)
  if (!existsSync(path)) await createSubvolume(path)
}

/**
 * Writes the menu: `booted` is what starts by itself, the others follow, newest first. The others stand in a file of their
 * own, which GRUB's own configuration reads too (41_custom), so that an update-grub of any of the systems leaves them in
 * the menu. Throws SystemCannotBoot.
 */
export function writePoolMenu(
  pool: string,
  { filesystems: { root }, plan }: Pick<PreparedDisk, 'filesystems' | 'plan'>,
  booted: System,
  systems: readonly System[],
): Kernel {
  const entry = grubEntry(pool, root, booted)
  if (entry === undefined) {
    throw new SystemCannotBoot(`Cannot boot version ${booted.version}: there is no kernel in /boot of its system`)
  }
  const others = systems
    .filter(({ id }) => id !== booted.id)
    .map((system) => grubEntry(pool, root, system))
    .filter((other) => other !== undefined)
  const directory = new InsideRoot(join(pool, poolPaths.grub))
  directory.writeText('/custom.cfg', renderGrubEntries(others) + (renderOtherSystems(notOurs(plan)) ?? ''), 0o600)
  directory.writeText('/grub.cfg', renderGrubConfig(entry, true), 0o600)
  return entry.kernel
}

/** Where other systems may be: in partitions that stay as they are, and in the one that versions are received into. */
function notOurs({ untouched, partitions }: DiskPlan): Pick<ExistingPartition, 'number' | 'signature'>[] {
  return [...untouched, ...partitions.filter(({ content }) => content === 'received')]
}

/** With the newest of the kernels that the system has now: it may have got another since it was deployed. */
function grubEntry(pool: string, root: RootFilesystem, system: System): GrubFacts | undefined {
  const subvolume = systemPath(system.id)
  const files = new InsideRoot(join(pool, subvolume))
  const kernel = chooseKernel(files.list('/boot').filter((name) => files.realFile(`/boot/${name}`) !== undefined))
  if (kernel === undefined) return undefined
  const day = new Date(system.deployedAt).toISOString().slice(0, 10)
  const title = `${system.title}, ${system.image} ${system.version.slice(0, 12)} of ${day}`
  return { title, kernel, root: { ...root, subvolume }, kernelArguments: system.kernelArguments }
}
