import type { Repository } from '../repository.ts'
import { ramRootDirectory } from '../repository-layout.ts'
import type { Repair } from './damage.ts'
import type { Inspection } from './inspect-repository.ts'
import { removeAside } from './remove-aside.ts'
import type { RamRootName } from './scan-ram-root.ts'

export type MakeRamRoot = (name: RamRootName) => Promise<unknown>

/**
 * What runs a version from memory is removed where a file of it is damaged, and made anew from the tree by `make`; without that, or
 * where the tree is damaged too, when a machine next asks for it.
 */
export async function repairRamRoots(
  repository: Repository,
  { ramRoots }: Inspection,
  make: MakeRamRoot | undefined,
): Promise<Repair[]> {
  const repairs: Repair[] = []
  for (const { version, form, problems } of ramRoots) {
    if (problems.length === 0) continue
    const file = await removeAside(repository, ramRootDirectory(repository.directory, version, form))
    repairs.push({ file, how: await makeAnew({ version, form }, make) })
  }
  return repairs
}

async function makeAnew(name: RamRootName, make: MakeRamRoot | undefined): Promise<string> {
  if (!make) return 'removed; it is made again when it is asked for'
  try {
    await make(name)
    return 'made anew from its tree'
  } catch (error) {
    return `removed; it could not be made anew: ${(error as Error).message}`
  }
}
