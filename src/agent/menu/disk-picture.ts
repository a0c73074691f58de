import { drawDisk, drawPlan } from '../../core/draw-disk.ts'
import { contentOf, rootOf } from '../../core/layout.ts'
import { type FrameRow, frameColumns, wrapText } from './frame.ts'
import { serialOf } from './options.ts'
import { chosenLayout, type MenuWorld, planFor, type Selection } from './selection.ts'

/** How much of it is seen at once. */
export const pictureRows = 16

/** The furthest that it can be scrolled. */
export function lastScroll(picture: readonly FrameRow[]): number {
  return Math.max(0, picture.length - pictureRows)
}

/** The disk before and after, and what was chosen. */
export function pictureOf(selection: Selection, { inventory }: MenuWorld): FrameRow[] {
  const { disk, version, filesystem, transfer } = selection
  const layout = chosenLayout(selection)
  if (!disk || !layout) return []
  const planning = version?.isWholeDisk
    ? { kind: 'refused' as const, reason: 'the partitions that the image has' }
    : planFor(layout, disk, inventory)
  const after = planning.kind === 'plan' ? drawPlan(planning.plan, disk) : wrapText(planning.reason, frameColumns - 6)
  const { device, model = 'model unknown', sizeBytes } = disk
  const facts = `${device}: ${(sizeBytes / 1e9).toFixed(1)} GB, ${model}, ${serialOf(disk)}`
  const how = [
    `layout ${layout.name}`,
    ...(filesystem ? [filesystem] : []),
    ...(contentOf(rootOf(layout)) === 'received' ? ['received as btrfs'] : []),
    ...(transfer ? [`by ${transfer.title}`] : []),
  ]
  const indented = (lines: readonly string[]) => lines.map((text): FrameRow => ({ text: `   ${text}` }))
  return [
    ...[facts, how.join(', ')].flatMap((words) => wrapText(words)).map((text) => ({ text: ` ${text}` })),
    { text: ' Before', style: 'strong' },
    ...indented(drawDisk(disk)),
    { text: ' After', style: 'strong' },
    ...indented(after),
  ]
}
