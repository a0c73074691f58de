import type { Deployment } from '../core/deployment.ts'
import { contentOf, type FilesystemType, type Layout, rootOf } from '../core/layout.ts'
import { refuseInvalidLayout, refuseUnfitRendition } from '../core/layout-problems.ts'
import type { DeployRendition } from '../core/order.ts'
import { findReadyLayout, withRootFilesystem } from '../core/ready-layouts.ts'
import { NotFound } from '../deploy/refusals.ts'

/** How a deployment's layout was asked for. */
export type LayoutWish = {
  /** A ready one by its name, or whole; `whole-disk` where not given. */
  layout?: string | Layout | undefined
  /** Of a root that is made; before the layout's own. */
  filesystem?: FilesystemType | undefined
  rendition?: DeployRendition | undefined
}

/** The layout as it is ordered, what is written and to which filesystem. Throws NotFound and LayoutInvalid. */
export function chooseLayout(wish: LayoutWish): Pick<Deployment, 'layout' | 'filesystem' | 'rendition'> {
  const asked = wish.layout ?? 'whole-disk'
  const layout = typeof asked === 'string' ? findReadyLayout(asked) : asked
  if (layout === undefined) throw new NotFound(`There is no layout "${asked}"; 'bootwright layout list' has them`)
  refuseInvalidLayout(layout)
  const rendition = wish.rendition ?? (contentOf(rootOf(layout)) === 'received' ? 'btrfs' : 'tree')
  const usual = rendition === 'btrfs' ? 'btrfs' : 'ext4'
  const filesystem = wish.filesystem ?? rootOf(layout).filesystem ?? usual
  const resolved = withRootFilesystem(layout, filesystem)
  refuseInvalidLayout(resolved)
  refuseUnfitRendition(resolved, rendition)
  return { layout: resolved, filesystem, rendition }
}
