import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DecodeError } from '../bytes/decode-error.ts'
import { writeFileDurably } from './durable-file.ts'
import type { Repository, Version } from './repository.ts'
import { checkName } from './repository-layout.ts'

/** How many of an image's newest versions stay; tagged and deployed ones stay besides. */
export const RetentionPolicy = Type.Object({ keepNewest: Type.Integer({ minimum: 1, maximum: 100_000 }) })
export type RetentionPolicy = Static<typeof RetentionPolicy>

/** A version that machines have or are given: `why` is for people. */
export type VersionUse = { version: string; why: string }

/** `because` says why a version stays; empty for one that goes. */
export type RetentionVerdict = { version: Version; because: string[] }

/** What a policy means for the versions of one image, in their order. Without a policy all stay. */
export function decideRetention(
  versions: readonly Version[],
  policy: RetentionPolicy | undefined,
  inUse: readonly VersionUse[],
): RetentionVerdict[] {
  const newestFirst = [...versions].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
  return versions.map((version) => {
    const because: string[] = []
    if (policy === undefined) because.push('no policy')
    else if (newestFirst.indexOf(version) < policy.keepNewest) because.push(`newest ${policy.keepNewest}`)
    because.push(...version.tags.map((tag) => `tag ${tag}`))
    because.push(...inUse.filter((use) => use.version === version.id).map(({ why }) => why))
    return { version, because }
  })
}

/** Undefined where the image has no policy of its own. Throws DecodeError for a file that is none. */
export async function readRetention(repository: Repository, image: string): Promise<RetentionPolicy | undefined> {
  let text: string
  try {
    text = await readFile(retentionFile(repository, image), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const what = `retention policy of image ${image}`
  try {
    const value: unknown = JSON.parse(text)
    if (Value.Check(RetentionPolicy, value)) return value
  } catch {
    throw new DecodeError(what, 'it is not JSON')
  }
  throw new DecodeError(what, 'it does not say how many versions to keep')
}

/** The image need not be there yet; without a policy all its versions stay. */
export async function writeRetention(
  repository: Repository,
  image: string,
  policy: RetentionPolicy | undefined,
): Promise<void> {
  const file = retentionFile(repository, image)
  if (!policy) return rm(file, { force: true })
  await mkdir(path.dirname(file), { recursive: true })
  await writeFileDurably(file, `${JSON.stringify(policy)}\n`)
}

function retentionFile(repository: Repository, image: string): string {
  return path.join(repository.directory, 'retention', checkName('image', image))
}
