import { createHash } from 'node:crypto'
import type { Release } from './apt-sources.ts'
import { renderCleanUpScript } from './clean-up-script.ts'
import { renderCustomizeScript, renderFinishScript } from './customize-script.ts'
import type { ReadRecipe } from './read-recipe.ts'

/** Goes up when the same recipe and scripts give other bytes than before, because the builder changed. */
const builderRevision = 2

/** Hash of what the operator wrote, the contents it refers to, and the scripts made of it. Hexadecimal. */
/** `base`: the version that is built on. */
export function hashInputs(read: ReadRecipe, architecture: string, base?: string): string {
  const { recipe, users, files, configurations, secrets } = read
  const hash = createHash('sha256')
  // What was read of users and files stands for what the recipe says of them: a moved file changes nothing.
  const { users: _users, files: _files, description: _description, outputs: _outputs, ...rest } = recipe
  const { configure: _configure, secrets: _secrets, variables: _variables, ...own } = rest
  // What a name means is what counts of what is built on.
  const source =
    base === undefined ? recipe.source : { ...recipe.source, name: undefined, path: undefined, image: base }
  const configured = configurations.map(({ from: _from, directory: _directory, ...configuration }) => configuration)
  const digests = secrets.map(({ name, content }) => [name, createHash('sha256').update(content).digest('hex')])
  hash.update(canonicalJson({ builderRevision, architecture, ...own, source, users, configured, digests }))
  hash.update(renderCustomizeScript(read)).update(renderFinishScript(read)).update(renderCleanUpScript(read))
  for (const { content, ...file } of files) {
    hash.update(canonicalJson({ ...file, sizeBytes: content?.length ?? -1 })).update(content ?? '')
  }
  return hash.digest('hex')
}

/** The inputs and what the mirrors had: the name of the result. Where the packages came from does not count. */
export function hashRecipe(inputsHash: string, releases: readonly Release[]): string {
  const digests = releases.map(
    (release) => `${release.suite} ${release.components.join(' ')} ${release.inReleaseSha256}`,
  )
  return createHash('sha256')
    .update([inputsHash, ...digests.sort()].join('\n'))
    .digest('hex')
}

/** JSON with the keys of every object in order, so that the order in the recipe does not count. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
