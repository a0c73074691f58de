import { resolveReference } from '../../image/reference.ts'
import { listVersions, moveTag, openRepository } from '../../image/repository.ts'
import { runProgram } from '../../programs/run-program.ts'
import { prepareRamRoot } from './ramroot-machine.ts'
import { importChanged, prepareSeries } from './second-version.ts'
import type { RackSupplies } from './supplies.ts'

/** Three versions of one image, by tags of their own. The third has a kernel, and no init. */
export const updateSeries = { image: 'debian-updates', tags: ['first', 'second', 'broken'] } as const

export async function prepareUpdateSeries(supplies: RackSupplies, log: (line: string) => void): Promise<void> {
  const { image, tags } = updateSeries
  const { first, second } = await prepareSeries(supplies, image)
  const repository = await openRepository(supplies.imagesDirectory)
  const recipeHash = `${first} without init`
  const find = async () => (await listVersions(repository, image)).find((version) => version.recipeHash === recipeHash)
  if (!(await find())) await importChanged(supplies, { image, recipeHash, change: removePrograms })
  const versions = [first, second, (await find())!.id]
  for (const [index, version] of versions.entries()) {
    await moveTag(repository, image, tags[index]!, version)
    await prepareRamRoot(supplies, `${image}@${version}`, 'squashfs', log)
  }
}

const programPlaces = ['usr/bin', 'usr/sbin', 'usr/share', 'usr/lib/systemd', 'usr/lib/x86_64-linux-gnu']

/** What is left is also quickly packed. */
async function removePrograms(tar: string): Promise<void> {
  await runProgram('tar', ['--delete', `--file=${tar}`, ...programPlaces.map((place) => `./${place}`)])
}

/** Ids in the order of the tags. */
export async function updateSeriesIds({ imagesDirectory }: RackSupplies): Promise<[string, string, string]> {
  const repository = await openRepository(imagesDirectory)
  const { image, tags } = updateSeries
  const versions = await Promise.all(tags.map((tag) => resolveReference(repository, `${image}:${tag}`)))
  return versions.map(({ id }) => id) as [string, string, string]
}
