import { join } from 'node:path'
import { defaultCacheDirectory } from '../src/ramdisk/build-ramdisk.ts'
import { resolvePackages, unpackPackages } from '../src/ramdisk/debian-packages.ts'
import { targets } from '../src/ramdisk/target.ts'

/** A peer's program, and the directories of the shared libraries it needs, for LD_LIBRARY_PATH. */
export type PeerProgram = { program: string; libraryPath: string }

/** These must fit the loader of the machine that runs the peer. */
const ofThisMachine = new Set(['libc6', 'libgcc-s1'])

/** A program of a Debian package, unpacked and not installed: packages of servers start daemons on the live network. */
export async function fetchPeer(packageName: string, path: string, log: (line: string) => void): Promise<PeerProgram> {
  const { debian, libraryFolder } = process.arch === 'arm64' ? targets.arm64 : targets.x64
  const cache = { directory: join(defaultCacheDirectory(), 'ramdisk'), architecture: debian }
  const all = await resolvePackages(cache, [packageName])
  // Some keep the libraries of all their programs in a package called so.
  const isLibrary = (name: string) => name.startsWith('lib') || name.endsWith('-common')
  const needed = all.filter(({ name }) => name === packageName || (isLibrary(name) && !ofThisMachine.has(name)))
  const directories = await unpackPackages(cache, needed, log)
  const libraryPath = [...directories.values()]
    .flatMap((directory) => [join(directory, 'usr/lib', libraryFolder), join(directory, 'lib', libraryFolder)])
    .join(':')
  return { program: join(directories.get(packageName)!, path), libraryPath }
}
