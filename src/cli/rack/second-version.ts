import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, parse } from 'node:path'
import { openSiteKeys } from '../../deploy/site-keys.ts'
import { importTar } from '../../image/import-tar.ts'
import { resolveReference } from '../../image/reference.ts'
import { listVersions, moveTag, openRepository } from '../../image/repository.ts'
import { runProgram } from '../../programs/run-program.ts'
import { makeRendition } from './make-rendition.ts'
import type { RackSupplies } from './supplies.ts'

/** Reference of the image under test as it is after a small update, and what a machine with it has more than before. */
export const secondVersion = { image: 'debian-minimal-updated', file: '/etc/updated', text: 'the second version' }

/** Makes of the first version's tar the second one's. */
export type ChangeTar = (tar: string) => Promise<void>

/** Imports the second version, where it is not there; gives the first one's id. */
export async function importSecondVersion(supplies: RackSupplies): Promise<string> {
  const repository = await openRepository(supplies.imagesDirectory)
  const { id: first } = await resolveReference(repository, supplies.image)
  const known = (await listVersions(repository, secondVersion.image)).find(({ recipeHash }) => recipeHash === first)
  if (!known?.tags.includes('current')) {
    await importChanged(supplies, { image: secondVersion.image, recipeHash: first, change: updateALittle })
  }
  return first
}

/** The same, and makes the streams that lead to the first and from there to the second. */
export async function prepareSecondVersion(supplies: RackSupplies, log: (line: string) => void): Promise<void> {
  const first = await importSecondVersion(supplies)
  await makeRendition(supplies, supplies.image, { name: 'btrfs' }, log)
  await makeRendition(supplies, secondVersion.image, { name: 'btrfs', parent: first }, log)
}

/** Both versions as those of one image, the second of which is current; gives their ids. */
export async function prepareSeries(
  supplies: RackSupplies,
  image: string,
  change: ChangeTar = updateALittle,
): Promise<{ first: string; second: string }> {
  const repository = await openRepository(supplies.imagesDirectory)
  const { id } = await resolveReference(repository, supplies.image)
  const idsOf = async () => (await listVersions(repository, image)).filter(({ recipeHash }) => recipeHash === id)
  if ((await idsOf()).length < 2) {
    const { imageKey } = await openSiteKeys(supplies.keysDirectory)
    const options = { image, recipeHash: id, signingKey: imageKey, comment: 'for the virtual rack' }
    await importTar(repository, supplies.imageTar, options)
    await importChanged(supplies, { image, recipeHash: id, change })
  }
  const [second, first] = (await idsOf()).map((version) => version.id)
  await moveTag(repository, image, 'current', second!)
  await moveTag(repository, image, 'previous', first!)
  return { first: first!, second: second! }
}

/** The image under test with other files in it. `recipeHash`: of what it was made, so that it is made anew with that. */
export async function importChanged(
  supplies: RackSupplies,
  { image, recipeHash, change }: { image: string; recipeHash: string; change: ChangeTar },
): Promise<void> {
  const { imageKey } = await openSiteKeys(supplies.keysDirectory)
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-second-'))
  try {
    const tar = join(directory, 'second.tar')
    await copyFile(supplies.imageTar, tar)
    await change(tar)
    const repository = await openRepository(supplies.imagesDirectory)
    await importTar(repository, tar, {
      image,
      recipeHash,
      signingKey: imageKey,
      comment: 'changed, for the virtual rack',
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function updateALittle(tar: string): Promise<void> {
  return appendFile(tar, { path: secondVersion.file, text: `${secondVersion.text}\n`, mode: 0o644 })
}

/** Puts a file of root's into a tar, in place of what is there under its path. */
export async function appendFile(
  tar: string,
  { path, text, mode }: { path: string; text: string; mode: number },
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-file-'))
  try {
    const { base, dir } = parse(path)
    await writeFile(join(directory, base), text, { mode })
    const owner = ['--owner=0', '--group=0', `--transform=s,^,.${dir}/,`]
    await runProgram('tar', ['--append', `--file=${tar}`, `--directory=${directory}`, ...owner, base])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
