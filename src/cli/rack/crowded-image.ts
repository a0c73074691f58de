import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSiteKeys } from '../../deploy/site-keys.ts'
import { importDirectory } from '../../image/import-directory.ts'
import { listVersions, openRepository } from '../../image/repository.ts'
import type { RackSupplies } from './supplies.ts'

/** A version that has more files than the ext4 of a small disk has inodes: it fills the disk without many bytes. */
export const crowdedImage = { image: 'crowded', files: 120_000, diskBytes: 1280 * 2 ** 20 }

const directories = 120

export async function prepareCrowdedImage({ imagesDirectory, keysDirectory }: RackSupplies): Promise<void> {
  const { image, files } = crowdedImage
  const repository = await openRepository(imagesDirectory)
  if ((await listVersions(repository, image)).length > 0) return
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-crowded-'))
  try {
    for (let at = 0; at < directories; at++) {
      await mkdir(join(directory, String(at)))
      const names = Array.from({ length: files / directories }, (_, file) => join(directory, String(at), String(file)))
      await Promise.all(names.map((name) => writeFile(name, '')))
    }
    const { imageKey: signingKey } = await openSiteKeys(keysDirectory)
    await importDirectory(repository, directory, { image, signingKey })
  } finally {
    await rm(directory, { recursive: true })
  }
}
