import { openSiteKeys } from '../../deploy/site-keys.ts'
import { resolveReference } from '../../image/reference.ts'
import { ensureRendition } from '../../image/renditions/ensure-rendition.ts'
import { formatRenditionName, type RenditionRequest } from '../../image/renditions/rendition-name.ts'
import { openRepository } from '../../image/repository.ts'
import type { RackSupplies } from './supplies.ts'

/**
 * Makes a rendition of a version outside of the rack, because a volume is mounted while it is made, which the rack's user
 * namespace does not allow.
 */
export async function makeRendition(
  supplies: RackSupplies,
  reference: string,
  request: RenditionRequest,
  log: (line: string) => void,
): Promise<void> {
  const repository = await openRepository(supplies.imagesDirectory)
  const { imageKey } = await openSiteKeys(supplies.keysDirectory)
  const { id } = await resolveReference(repository, reference)
  const { statement } = await ensureRendition(repository, id, request, { signingKey: imageKey })
  log(
    `${formatRenditionName(request)} of ${reference} has ${statement.sizeBytes} bytes, ${statement.storedBytes} compressed`,
  )
}
