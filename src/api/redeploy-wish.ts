import type { Deployment } from '../core/deployment.ts'
import type { DiskRule } from '../core/disk-rule.ts'
import { keptLayout } from '../core/kept-layout.ts'
import { Conflict } from '../deploy/refusals.ts'
import type { LayoutWish } from './choose-layout.ts'

/** How a deployment was asked for, as far as it is about the disk. */
export type DiskWish = LayoutWish & { disk?: DiskRule | undefined; redeploy?: boolean | undefined }

/**
 * What was asked for, in view of the deployment that wrote the machine's disk last: `redeploy` keeps all that it made,
 * partitions and filesystems, on the disk it chose. Where nobody says otherwise, a btrfs version is received beside those
 * that the disk has. Throws Conflict.
 */
export function resolveWish<Wish extends DiskWish>(wish: Wish, onDisk: Deployment | undefined): Wish {
  if (wish.redeploy === true) {
    if (onDisk === undefined) {
      throw new Conflict('Nothing that was deployed to this machine is known: deploy it once, or name a layout')
    }
    if (wish.layout !== undefined) throw new Conflict('A redeployment keeps the layout; leave the other one out')
    const rendition = wish.rendition ?? onDisk.rendition
    const layout =
      rendition === 'disk' ? onDisk.layout : keptLayout(onDisk.layout, rendition === 'btrfs' ? 'received' : 'kept')
    // What is there decides; a volume is looked for by it.
    const { filesystem } = onDisk
    return { ...wish, rendition, layout, filesystem, disk: wish.disk ?? onDisk.diskRule }
  }
  const isReceived = wish.rendition === 'btrfs' && wish.layout === undefined && onDisk?.rendition === 'btrfs'
  return isReceived ? { ...wish, layout: keptLayout(onDisk.layout, 'received') } : wish
}
