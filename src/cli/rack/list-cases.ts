import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RackCase } from './case.ts'

export type ListedCase = RackCase & { path: string }

const directory = join(import.meta.dirname, '../../../test/rack')

/** A case that was asked for and does not exist. */
export class UnknownCase extends Error {
  override readonly name = 'UnknownCase'
}

/** The rack cases of test/rack, in order of their names. */
export async function listCases(): Promise<ListedCase[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.ts')).sort()
  return Promise.all(
    files.map(async (file) => {
      const path = join(directory, file)
      const { rackCase } = (await import(path)) as { rackCase: RackCase }
      return { ...rackCase, path }
    }),
  )
}

/** Those with the given names, in that order; the default set for none. Throws UnknownCase. */
export async function chooseCases(names: readonly string[]): Promise<ListedCase[]> {
  const cases = await listCases()
  if (names.length === 0) return cases.filter(({ set }) => set === 'default')
  return names.map((name) => {
    const chosen = cases.find((one) => one.name === name)
    if (!chosen)
      throw new UnknownCase(`There is no rack case "${name}"; there are ${cases.map((one) => one.name).join(', ')}`)
    return chosen
  })
}
