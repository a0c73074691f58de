import type { Deployment } from '../core/deployment.ts'
import { contentOf, rootOf } from '../core/layout.ts'
import type { ImageShelf } from './image-shelf.ts'
import { resultOf } from './job-end.ts'
import { NotReady } from './problem.ts'

/**
 * Begins to make what takes a machine from the version on its disk to the one it is given, while it still boots. Nobody
 * waits for it and nothing depends on it: a machine for which it is not ready, or cannot be made, fetches whole chunks.
 */
export function prepareDelta(
  images: Pick<ImageShelf, 'start'>,
  { version, rendition, layout }: Deployment,
  previousVersion: string | undefined,
): void {
  const isOfUse = rendition === 'tree' && contentOf(rootOf(layout)) === 'kept'
  if (!isOfUse || previousVersion === undefined || previousVersion === version) return
  try {
    resultOf(images.start({ kind: 'delta', version, parent: previousVersion, of: 'tree' })).catch(() => undefined)
  } catch (error) {
    if (!(error instanceof NotReady)) throw error // too many jobs are at work
  }
}
