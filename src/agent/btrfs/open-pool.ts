import { mkdirSync } from 'node:fs'
import type { DeployContext } from '../deploy-context.ts'
import type { RootFilesystem } from '../disk/filesystems.ts'
import { writingMountOptions } from '../disk/make-filesystems.ts'
import type { Mounts } from '../disk/mounts.ts'

/** A root that versions cannot be received into. */
export class NoPool extends Error {
  override readonly name = 'NoPool'
}

/** Mounts the top of the root's filesystem, and gives where. Throws NoPool, ProgramFailed. */
export async function openPool(context: DeployContext, root: RootFilesystem, mounts: Mounts): Promise<string> {
  if (root.type !== 'btrfs') {
    throw new NoPool(
      `Cannot receive a version into ${root.device}: it is ${root.type}; deploy with '--filesystem btrfs', or as a tree`,
    )
  }
  const pool = `${context.rootDirectory}.pool`
  mkdirSync(pool, { recursive: true })
  await mounts.mount(
    root.device,
    pool,
    ['-t', 'btrfs', '-o', `subvolid=5,nodev,${writingMountOptions}`],
    context.signal,
  )
  return pool
}

/** Mounts a system's root at the context's rootDirectory. */
export async function mountSystem(context: DeployContext, root: RootFilesystem, mounts: Mounts): Promise<void> {
  mkdirSync(context.rootDirectory, { recursive: true })
  const options = `subvol=${root.subvolume},${writingMountOptions}`
  await mounts.mount(root.device, context.rootDirectory, ['-t', 'btrfs', '-o', options], context.signal)
}
