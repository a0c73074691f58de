import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { readLxcConfig } from './lxc/lxc-config.ts'
import { findContainer } from './lxc/lxc-container.ts'

/** What changes whenever a package is installed, upgraded, removed, or marked as wanted. */
const packageDatabases = [
  ...['var/lib/dpkg/status', 'var/lib/apt/extended_states'],
  ...['usr/lib/sysimage/rpm/rpmdb.sqlite', 'usr/lib/sysimage/rpm/rpmdb.sqlite-wal'],
  ...['var/lib/rpm/rpmdb.sqlite', 'var/lib/rpm/rpmdb.sqlite-wal', 'var/lib/rpm/Packages'],
]

/** Hash of the package databases under a root; undefined where there are none, so that nothing can be said by them. */
export async function modelFingerprint(root: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  let found = 0
  for (const file of packageDatabases) {
    try {
      const content = createHash('sha256')
      await pipeline(createReadStream(path.join(root, file)), content)
      hash.update(`${file} ${content.digest('hex')}\n`)
      found++
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  return found === 0 ? undefined : hash.digest('hex')
}

/** Of a container that may run; undefined where its files are no plain directory. Throws ImageSourceInvalid. */
export async function containerFingerprint(nameOrPath: string): Promise<string | undefined> {
  const { configFile } = await findContainer(nameOrPath)
  const { rootfs } = await readLxcConfig(configFile)
  const isPlain = rootfs?.kind === 'dir' || rootfs?.kind === 'btrfs'
  return isPlain ? modelFingerprint(rootfs.location) : undefined
}
