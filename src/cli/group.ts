import { Command, Option } from 'commander'
import type { DiskRule } from '../core/disk-rule.ts'
import type { GroupDefaults } from '../core/group-defaults.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { parseDiskRule } from './deploy.ts'
import { readLayoutArgument } from './layout-file.ts'
import { printJson, printTable } from './output.ts'

type Shared = { data: string; json?: boolean }

export function groupCommand(): Command {
  const command = new Command('group').description('what is ordered for the machines of a group when they are approved')
  command
    .command('list')
    .description('what was chosen')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(listGroups)
  command
    .command('set <group>')
    .description('deploys a machine of the group when it is approved, where it was never deployed')
    .addOption(new Option('--on-approval <what>', 'what is done').choices(['deploy']).makeOptionMandatory())
    .requiredOption('--image <reference>', 'NAME, NAME:TAG or NAME@VERSION')
    .addOption(new Option('--disk <rule>', "which disk, as for 'bootwright deploy'").argParser(parseDiskRule))
    .addOption(new Option('--rendition <kind>', 'what is written').choices(['tree', 'volume', 'disk', 'btrfs']))
    .option('--layout <name|file>', "a ready layout ('bootwright layout list'; whole-disk), or a YAML file")
    .addOption(new Option('--filesystem <type>', 'of a root that is made').choices(['ext4', 'btrfs', 'xfs']))
    .addOption(dataOption())
    .action(setGroup)
  command
    .command('clear <group>')
    .description('takes the choice back')
    .addOption(dataOption())
    .action(async (name: string, options: Shared) => {
      await clientOf(options).request('DELETE', `/api/v1/groups/${encodeURIComponent(name)}`)
    })
  return command
}

async function listGroups(options: Shared): Promise<void> {
  const { groups } = await clientOf(options).request<{ groups: GroupDefaults[] }>('GET', '/api/v1/groups/')
  if (options.json) return printJson(groups)
  if (groups.length === 0) return void process.stdout.write('nothing is ordered on approval\n')
  printTable(
    ['GROUP', 'ON APPROVAL'],
    groups.map(({ name, onApproval }) => [name, `deploy ${onApproval.image}`]),
  )
}

type WishOptions = { image: string; disk?: DiskRule; rendition?: string; layout?: string; filesystem?: string }

async function setGroup(name: string, options: Shared & WishOptions): Promise<void> {
  const { image, disk, rendition, filesystem } = options
  const layout = options.layout === undefined ? undefined : await readLayoutArgument(options.layout)
  const onApproval = { image, disk, rendition, layout, filesystem }
  await clientOf(options).request('PUT', `/api/v1/groups/${encodeURIComponent(name)}`, { onApproval })
}

function clientOf(options: Shared) {
  return openClient({ socketPath: socketPathOf(options.data) })
}
