import { stat } from 'node:fs/promises'
import { ProgramFailed } from '../programs/run-program.ts'
import { BtrfsSnapshot, isSubvolume } from './btrfs-snapshot.ts'
import { DirectoryWalk } from './directory-walk.ts'
import { ImageSourceInvalid, type ImportOptions } from './image-source.ts'
import { importVersion } from './import-version.ts'
import { HeldContainer, type Hold } from './lxc/held-container.ts'
import { type LxcConfig, type LxcRootfs, readLxcConfig } from './lxc/lxc-config.ts'
import { findContainer, type LxcContainer, readState } from './lxc/lxc-container.ts'
import { openRootfs } from './lxc/open-rootfs.ts'
import { OwnerMap } from './owner-map.ts'
import type { VersionDescription } from './publish-version.ts'
import type { Repository, Version } from './repository.ts'
import { TreeBuilder } from './tree-builder.ts'

/** How a running container is kept from changing while it is read. */
export type Consistency = 'auto' | 'snapshot' | Hold

export type LxcOptions = VersionDescription &
  ImportOptions & {
    /**
     * For a container that runs: `snapshot` (its files are a btrfs subvolume), `freeze`, or `stop` and start again;
     * `auto`, which it is where nothing is given, takes a snapshot where that can be and freezes otherwise.
     */
    consistency?: Consistency | undefined
  }

/**
 * Imports the files of an LXC container, given by its name or its directory, with owners as they are inside; its
 * configuration is kept with the version. A running one is snapshotted, frozen or stopped meanwhile, and goes on even
 * where this process is killed. Throws ImageSourceInvalid, ContainerStuck; leaves nothing behind then.
 */
export async function importLxc(repository: Repository, nameOrPath: string, options: LxcOptions): Promise<Version> {
  const container = await findContainer(nameOrPath)
  const config = await readLxcConfig(container.configFile)
  const { rootfs } = config
  if (!rootfs) throw new ImageSourceInvalid(nameOrPath, container.configFile, 'it names no lxc.rootfs.path')
  return importVersion(repository, { kind: 'lxc', name: nameOrPath }, options, async (session, resources) => {
    const temporaryDirectory = session.directory
    const reading: Reading = { container, config, rootfs, source: nameOrPath, options, resources, temporaryDirectory }
    const { directory, subvolume } = await openStill(reading)
    const builder = new TreeBuilder()
    const owners = config.idRanges.length === 0 ? undefined : new OwnerMap(config.idRanges)
    const walkOptions = { ...options, sourceName: nameOrPath, owners, subvolume }
    await new DirectoryWalk(directory, builder, session.chunks, walkOptions).run()
    return { builder, config: config.text }
  })
}

type Reading = {
  container: LxcContainer
  config: LxcConfig
  rootfs: LxcRootfs
  source: string
  options: LxcOptions
  resources: AsyncDisposableStack
  temporaryDirectory: string
}
type Still = { directory: string; subvolume?: { snapshotOf: string } }

async function openStill(reading: Reading): Promise<Still> {
  try {
    return await holdStill(reading)
  } catch (cause) {
    if (!(cause instanceof ProgramFailed)) throw cause
    const { kind, location } = reading.rootfs
    throw new ImageSourceInvalid(reading.source, `${kind}:${location}`, cause.message, { cause })
  }
}

async function holdStill(reading: Reading): Promise<Still> {
  const { container, rootfs, source } = reading
  const state = await readState(container)
  if (state === 'RUNNING') return holdRunning(reading)
  if (state === 'STOPPED' || state === 'FROZEN') {
    return { directory: await openRootfs(rootfs, { ...reading, isRunning: state === 'FROZEN' }) }
  }
  throw new ImageSourceInvalid(source, undefined, `it is ${state}; try again when it is not`)
}

async function holdRunning(reading: Reading): Promise<Still> {
  const { container, config, rootfs, source, options, resources } = reading
  const { consistency = 'auto', onNotice } = options
  const isOnSubvolume = await hasSubvolume(rootfs)
  if (consistency === 'snapshot' || (consistency === 'auto' && isOnSubvolume)) {
    if (!isOnSubvolume) {
      const reason = 'its files are no btrfs subvolume, so that no snapshot can be taken; let it be frozen or stopped'
      throw new ImageSourceInvalid(source, rootfs.location, reason)
    }
    const snapshot = resources.use(await BtrfsSnapshot.take(rootfs.location))
    return { directory: snapshot.directory, subvolume: { snapshotOf: rootfs.location } }
  }
  const hold = consistency === 'stop' ? 'stop' : 'freeze'
  if (hold === 'stop' && config.isEphemeral) {
    throw new ImageSourceInvalid(source, undefined, 'it is ephemeral: stopping it would delete it; let it be frozen')
  }
  onNotice?.({ where: source, reason: `it runs, and ${hold === 'stop' ? 'is stopped' : 'is frozen'} for the import` })
  resources.use(await HeldContainer.take(container, hold))
  return { directory: await openRootfs(rootfs, { ...reading, isRunning: hold === 'freeze' }) }
}

async function hasSubvolume({ kind, location }: LxcRootfs): Promise<boolean> {
  if (!['dir', 'btrfs', 'path'].includes(kind)) return false
  return (await stat(location).catch(() => undefined))?.isDirectory() === true && isSubvolume(location)
}
