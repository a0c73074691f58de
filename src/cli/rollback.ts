import { Command } from 'commander'
import type { Deployment } from '../core/deployment.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { followOption, tellDeployment } from './tell-deployment.ts'

export function rollbackCommand(): Command {
  return new Command('rollback')
    .description("boots a machine's older version again, which its disk still has (deployed with --rendition btrfs)")
    .argument('<machine>')
    .option('--to <version>', 'beginning of a version id (the version before the one it has)')
    .addOption(followOption())
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(rollback)
}

type RollbackOptions = { data: string; to?: string; follow?: boolean; json?: boolean }

async function rollback(machine: string, options: RollbackOptions): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const { deployment } = await client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments/rollback', {
    machine,
    ...(options.to !== undefined && { to: options.to }),
  })
  await tellDeployment(client, machine, deployment, options)
}
