import { open, rmdir, truncate } from 'node:fs/promises'
import path from 'node:path'
import { readTree } from '../repository.ts'
import type { Tree } from '../tree.ts'
import { layBlocks } from './lay-blocks.ts'
import { LoopMount } from './loop-mount.ts'
import type { RenditionWork } from './rendition-options.ts'
import type { StoredRendition } from './stored-rendition.ts'
import { syncTree } from './sync-tree.ts'
import { emptyTree, TreeContents } from './tree-contents.ts'
import type { VolumeDriver } from './volume-driver.ts'
import { contentOf, growthFor } from './volume-size.ts'

/** Makes a filesystem that holds the tree, in a new file: the parent's, synchronised in place, or one from scratch. */
export async function writeVolumeFile(
  work: RenditionWork,
  driver: VolumeDriver,
  tree: Tree,
  parent: StoredRendition | undefined,
  file: string,
): Promise<void> {
  const have = parent ? await readTree(work.repository, parent.statement.version) : emptyTree
  const isGrown = parent ? await layParent(work, driver, { have, want: tree, parent }, file) : false
  if (!parent) await makeFilesystem(driver, tree, file)
  await writeFiles(work, driver, file, { have, want: tree, isGrown })
  await driver.settle(file)
}

async function makeFilesystem(driver: VolumeDriver, tree: Tree, file: string): Promise<void> {
  const content = contentOf(tree)
  const handle = await open(file, 'wx', 0o600)
  await handle.truncate(driver.sizeFor(content))
  await handle.close()
  await driver.make(file, content)
}

/** True where its file is now larger than the filesystem in it, which is to be grown when it is mounted. */
async function layParent(
  work: RenditionWork,
  driver: VolumeDriver,
  { have, want, parent }: { have: Tree; want: Tree; parent: StoredRendition },
  file: string,
): Promise<boolean> {
  await layBlocks(parent.blocks, work.stored, file, work.options.signal)
  const sizeBytes = growthFor(parent.blocks, have, want, driver)
  if (sizeBytes <= parent.blocks.sizeBytes) return false
  await truncate(file, sizeBytes)
  if ('mounted' in driver.grow) return true
  await driver.grow.unmounted(file)
  return false
}

async function writeFiles(
  work: RenditionWork,
  driver: VolumeDriver,
  file: string,
  { have, want, isGrown }: { have: Tree; want: Tree; isGrown: boolean },
): Promise<void> {
  const { stored, rendition, options } = work
  await using mount = await LoopMount.open(file, rendition.replace('volume-', ''), driver.mountOptions)
  if (isGrown && 'mounted' in driver.grow) await driver.grow.mounted(mount.directory)
  if (have === emptyTree) {
    // mkfs.ext4's own; e2fsck makes it again when it needs it.
    await rmdir(path.join(mount.directory, 'lost+found')).catch(() => undefined)
  }
  await syncTree(mount.directory, new TreeContents(have, stored), new TreeContents(want, stored), {
    signal: options.signal,
    onProgress: (bytesDone, bytesTotal) => options.onProgress?.({ step: 'write files', bytesDone, bytesTotal }),
  })
}
