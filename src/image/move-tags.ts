import { rm } from 'node:fs/promises'
import { syncDirectory } from './durable-file.ts'
import { resolveReference } from './reference.ts'
import { listVersions, moveTag, type Repository, readTags, type Version } from './repository.ts'
import { checkName, imageTagsDirectory, tagFile } from './repository-layout.ts'
import { withRepositoryLock } from './store/repository-lock.ts'

/** A tag that cannot be moved or removed as was asked. */
export class TagRefused extends Error {
  override readonly name = 'TagRefused'
  readonly image: string
  readonly tag: string

  constructor(image: string, tag: string, reason: string) {
    super(`Cannot change the tag ${tag} of image ${image}: ${reason}`)
    this.image = image
    this.tag = tag
  }
}

/** Version ids before and after; `from` is undefined where there was no such tag. */
export type TagMove = { image: string; tag: string; from: string | undefined; to: string }

/**
 * Makes or moves a tag of the image that the reference names. Moving `current` is what rollback() does to another
 * version: `previous` follows. Throws ReferenceUnknown, DecodeError, RepositoryBusy.
 */
export async function setTag(repository: Repository, reference: string, tag: string): Promise<TagMove> {
  checkName('tag', tag)
  return withRepositoryLock(repository, async () => {
    const version = await resolveReference(repository, reference)
    const from = (await readTags(repository, version.image)).get(tag)
    if (tag === 'current') await makeCurrent(repository, version, from)
    else if (from !== version.id) await moveTag(repository, version.image, tag, version.id)
    return { image: version.image, tag, from, to: version.id }
  })
}

/** Removes a tag; `current` only moves. Throws TagRefused, DecodeError, RepositoryBusy. */
export async function removeTag(repository: Repository, image: string, tag: string): Promise<void> {
  const file = tagFile(repository.directory, image, checkName('tag', tag))
  if (tag === 'current') {
    throw new TagRefused(image, tag, "machines follow it; move it with 'image tag' or 'image rollback'")
  }
  await withRepositoryLock(repository, async () => {
    const tags = await readTags(repository, image)
    if (!tags.has(tag)) {
      const names = [...tags.keys()]
      throw new TagRefused(
        image,
        tag,
        names.length === 0 ? 'the image has no tags' : `its tags are ${names.join(', ')}`,
      )
    }
    await rm(file)
    await syncDirectory(imageTagsDirectory(repository.directory, image))
  })
}

/**
 * Lets `current` name the version that `previous` does, or the one `reference` names; `previous` becomes what was
 * current, so that a second rollback goes forward again. Throws TagRefused, ReferenceUnknown, RepositoryBusy.
 */
export async function rollback(repository: Repository, image: string, reference?: string): Promise<TagMove> {
  checkName('image', image)
  return withRepositoryLock(repository, async () => {
    const from = (await readTags(repository, image)).get('current')
    const version =
      reference === undefined ? await previousOf(repository, image) : await resolveReference(repository, reference)
    if (version.image !== image) throw new TagRefused(image, 'current', `${reference} is a version of another image`)
    if (version.id === from) throw new TagRefused(image, 'current', `it already names ${version.id}`)
    await makeCurrent(repository, version, from)
    return { image, tag: 'current', from, to: version.id }
  })
}

async function previousOf(repository: Repository, image: string): Promise<Version> {
  const versions = await listVersions(repository, image)
  const found = versions.find(({ tags }) => tags.includes('previous'))
  if (found) return found
  if (versions.length === 0) await resolveReference(repository, image) // says which images there are
  throw new TagRefused(
    image,
    'current',
    "there is no previous version; name one: 'image rollback NAME --to NAME@VERSION'",
  )
}

/** `current` first: after a crash in between it is the version that was wanted, and whole. */
async function makeCurrent(repository: Repository, { image, id }: Version, before: string | undefined): Promise<void> {
  if (before === id) return
  await moveTag(repository, image, 'current', id)
  if (before !== undefined) await moveTag(repository, image, 'previous', before)
}
