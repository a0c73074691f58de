import { RenditionImpossible } from './rendition-impossible.ts'

/** Mounting a filesystem, and giving files to other owners, is for root. Throws RenditionImpossible. */
export function requireRoot(versionId: string, rendition: string): void {
  if (process.geteuid?.() === 0) return
  const reason =
    'it is made by mounting a filesystem and writing files of all owners into it, which only root may; ' +
    'run the service or this command as root, or deploy the tree, which needs none'
  throw new RenditionImpossible(versionId, rendition, reason)
}
