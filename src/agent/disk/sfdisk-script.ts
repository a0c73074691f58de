import type { DiskPlan } from '../../core/disk-plan.ts'

/**
 * The new partitions of a plan as sfdisk reads them from standard input (sfdisk(8), "named-fields format"); numbers are
 * sectors. For a kept table it is what `sfdisk --append` adds.
 */
export function renderSfdiskScript(plan: DiskPlan): string {
  const sectors = (bytes: number) => bytes / plan.sectorBytes
  const head = plan.table === 'new' ? ['label: gpt', `label-id: ${plan.diskGuid}`] : []
  const lines = plan.partitions
    .filter(({ entry }) => entry === 'new')
    .map(
      (partition) =>
        `${partition.number} : start=${sectors(partition.startBytes)}, size=${sectors(partition.sizeBytes)}, ` +
        `type=${partition.typeGuid}, uuid=${partition.guid}, name="${partition.name}"`,
    )
  return `${[...head, 'unit: sectors', ...lines].join('\n')}\n`
}
