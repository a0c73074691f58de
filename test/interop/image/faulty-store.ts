import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { importDirectory } from '../../../src/image/import-directory.ts'
import { ensureRendition } from '../../../src/image/renditions/ensure-rendition.ts'
import { openRepository, type Repository, type Version } from '../../../src/image/repository.ts'
import { openSigningKey, type SigningKey } from '../../../src/image/signing-key.ts'
import { ensureRamRoot } from '../../../src/ramroot/ensure-ram-root.ts'

/** A small store with everything in it that a store can hold: versions, tags, renditions, a condemned pack. */
export type FaultyStore = {
  directory: string
  signingKey: SigningKey
  debian: Version
  disk: Version
  /** Made to run from memory as `initrd`. */
  live: Version
}

/** Bytes that do not compress and are the same in every run. */
export function fixedBytes(seed: string, sizeBytes: number): Buffer {
  const parts: Buffer[] = []
  for (let n = 0; n * 64 < sizeBytes; n++) parts.push(createHash('sha512').update(`${seed} ${n}`).digest())
  return Buffer.concat(parts).subarray(0, sizeBytes)
}

export async function makeStore(directory: string): Promise<FaultyStore> {
  const repository = await openRepository(path.join(directory, 'pristine'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const source = path.join(directory, 'source')
  await putVersion(repository, signingKey, source, 'first')
  const debian = await putVersion(repository, signingKey, source, 'second')
  const diskSource = path.join(directory, 'disk')
  fs.mkdirSync(diskSource)
  fs.writeFileSync(path.join(diskSource, 'disk.raw'), fixedBytes('disk', 1024 * 1024))
  settle(diskSource)
  const disk = await importDirectory(repository, diskSource, { image: 'appliance', signingKey })
  await ensureRendition(repository, disk.id, { name: 'disk' }, { signingKey })
  const live = await putLiveVersion(repository, signingKey, path.join(directory, 'live'))
  const unused = { since: 1, reason: 'unused', holds: [] }
  const condemned = { format: 'bootwright-condemned-1', packs: { [`${'ab'.repeat(32)}`]: unused } }
  fs.writeFileSync(path.join(repository.directory, 'condemned'), `${JSON.stringify(condemned)}\n`)
  return { directory: repository.directory, signingKey, debian, disk, live }
}

/** As much of a kernel as is looked at when what runs a version from memory is made. */
async function putLiveVersion(repository: Repository, signingKey: SigningKey, source: string): Promise<Version> {
  for (const folder of ['boot', 'lib/modules/6.1']) fs.mkdirSync(path.join(source, folder), { recursive: true })
  fs.writeFileSync(path.join(source, 'boot/vmlinuz-6.1'), fixedBytes('kernel', 9 * 1024 * 1024))
  fs.writeFileSync(path.join(source, 'lib/modules/6.1/modules.dep'), '')
  settle(source)
  const live = await importDirectory(repository, source, { image: 'live', signingKey })
  await ensureRamRoot(repository, live.id, 'initrd')
  return live
}

/** A version of `debian` whose tree depends on `seed` alone; half of it is in every version. */
export async function putVersion(
  repository: Repository,
  signingKey: SigningKey,
  source: string,
  seed: string,
): Promise<Version> {
  writeSource(source, seed)
  return importDirectory(repository, source, { image: 'debian', signingKey })
}

export function writeSource(source: string, seed: string, fileCount = 6): void {
  fs.mkdirSync(path.join(source, 'etc'), { recursive: true })
  for (let n = 0; n < fileCount; n++) {
    fs.writeFileSync(path.join(source, `own-${n}`), fixedBytes(`${seed} ${n}`, 300_000))
    fs.writeFileSync(path.join(source, `shared-${n}`), fixedBytes(`shared ${n}`, 300_000))
    fs.writeFileSync(path.join(source, 'etc', `${n}`), fixedBytes(`${seed} small ${n}`, 2000))
  }
  settle(source)
}

function settle(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    const full = path.join(directory, name)
    if (fs.statSync(full).isDirectory()) settle(full)
    else fs.utimesSync(full, 1, 1)
  }
  fs.utimesSync(directory, 1, 1)
}
