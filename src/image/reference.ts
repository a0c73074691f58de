import { listVersions, type Repository, type Version } from './repository.ts'
import { checkName } from './repository-layout.ts'

/** A reference that names no version, or several. The message says what there is. */
export class ReferenceUnknown extends Error {
  override readonly name = 'ReferenceUnknown'
  readonly reference: string

  constructor(reference: string, reason: string) {
    super(`Cannot find ${reference}: ${reason}`)
    this.reference = reference
  }
}

const minPrefixLength = 4

/**
 * The version that `debian` (its tag `current`), `debian:TAG` or `debian@ID`, at least four digits of a version id,
 * names now. Throws ReferenceUnknown, and DecodeError for what is no reference.
 */
export async function resolveReference(repository: Repository, reference: string): Promise<Version> {
  const [, image = '', sign = ':', wanted = 'current'] = /^([^:@]*)(?:([:@])(.*))?$/.exec(reference) ?? []
  checkName('image', image)
  const versions = await listVersions(repository, image)
  if (versions.length === 0) {
    const others = [...new Set((await listVersions(repository)).map((version) => version.image))].sort()
    const known = others.length === 0 ? 'no image is imported yet' : `the images are ${others.join(', ')}`
    throw new ReferenceUnknown(reference, `there is no image ${image}; ${known}`)
  }
  return sign === ':' ? byTag(reference, versions, wanted) : byPrefix(reference, versions, wanted)
}

function byTag(reference: string, versions: readonly Version[], tag: string): Version {
  checkName('tag', tag)
  const found = versions.find((version) => version.tags.includes(tag))
  if (found) return found
  const tags = versions.flatMap((version) => version.tags).sort()
  throw new ReferenceUnknown(reference, tags.length === 0 ? 'the image has no tags' : `its tags are ${tags.join(', ')}`)
}

function byPrefix(reference: string, versions: readonly Version[], prefix: string): Version {
  if (prefix.length < minPrefixLength) throw new ReferenceUnknown(reference, `give at least ${minPrefixLength} digits`)
  const found = versions.filter(({ id }) => id.startsWith(prefix))
  if (found.length === 1) return found[0]!
  const [many] = found
  const reason = many
    ? `${found.length} versions start so: ${found.map(({ id }) => id).join(', ')}`
    : 'no version starts so'
  throw new ReferenceUnknown(reference, reason)
}
