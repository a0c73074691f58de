import type { Disk } from '../../core/inventory.ts'
import type { DeployContext } from '../deploy-context.ts'
import { runStep } from '../step-run.ts'
import { hasHooks, runHooks } from './run-hooks.ts'

/**
 * The step before-partition, where there are hooks for it. They may have changed the disk, so that it is looked at again:
 * gives what `lookAgain` finds then.
 */
export async function beforePartition<Chosen>(
  context: DeployContext,
  chosen: Chosen,
  { disk, lookAgain }: { disk: Disk; lookAgain: () => Promise<Chosen> },
): Promise<Chosen> {
  if (!hasHooks(context, 'before-partition')) return chosen
  return runStep(context.reporter, 'before-partition', async () => {
    const detail = await runHooks(context, 'before-partition', { device: disk.device })
    return { value: await lookAgain(), detail }
  })
}
