import { Command, InvalidArgumentError, Option } from 'commander'
import type { Deployment } from '../core/deployment.ts'
import type { DiskRule } from '../core/disk-rule.ts'
import type { DryRun } from '../core/dry-run.ts'
import type { DeployWish } from '../core/machine-order.ts'
import { chooseMachines, whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { followJob } from './follow-job.ts'
import { readLayoutArgument } from './layout-file.ts'
import { printJson } from './output.ts'
import { parseCount } from './parse-count.ts'
import { atOption, bootAttemptsOption, placeOrders } from './place-orders.ts'
import { followOption, tellDeployment } from './tell-deployment.ts'

type DeployOptions = {
  data: string
  json?: boolean
  image?: string
  disk?: DiskRule
  rendition?: string
  layout?: string
  filesystem?: string
  handOver?: string
  kernelArgument?: string[]
  verify?: string
  keepVersions?: number
  proofSeconds?: number
  bootAttempts?: number
  follow?: boolean
  dryRun?: boolean
  redeploy?: boolean
  at?: number
  where?: string
}

export function deployCommand(): Command {
  return new Command('deploy')
    .description('writes an image to the disks of machines at their next network boot')
    .argument('[machines...]', 'names')
    .option('--image <reference>', 'NAME, NAME:TAG or NAME@VERSION')
    .addOption(diskOption().default(undefined, 'the only fixed disk'))
    .addOption(new Option('--rendition <kind>', 'what is written').choices(['tree', 'volume', 'disk', 'btrfs']))
    .option('--layout <name|file>', "a ready layout ('bootwright layout list'; whole-disk), or a YAML file")
    .addOption(new Option('--filesystem <type>', 'of a root that is made (ext4)').choices(['ext4', 'btrfs', 'xfs']))
    .addOption(
      new Option('--verify <how much>', 'is read back from the disk: whole, or sampled (a tenth, by chance)').choices([
        'whole',
        'sampled',
      ]),
    )
    .addOption(
      new Option('--hand-over <way>', 'how the agent leaves, where machine, model and group do not say it').choices([
        'reboot',
        'kexec',
      ]),
    )
    .option('--kernel-argument <argument...>', 'for the deployed system')
    .option('--keep-versions <count>', 'how many versions stay on the disk, with --rendition btrfs (3)', parseCount)
    .option('--proof-seconds <seconds>', 'how long the first-boot callback may take', parseCount)
    .addOption(bootAttemptsOption())
    .option('--redeploy', 'keep what the last deployment made of the disk, and move only what differs')
    .option('--dry-run', "draw the machine's disk before and after, by its last inventory, and change nothing")
    .addOption(whereOption())
    .addOption(atOption())
    .addOption(followOption())
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(deploy)
}

/** A disk by what does not move between boots. */
export function diskOption(): Option {
  return new Option(
    '--disk <rule>',
    'which disk: serial=…,model=…,wwn=…,bus=…,minBytes=…,maxBytes=…,special=… (exactly one must match)',
  ).argParser(parseDiskRule)
}

async function deploy(machines: string[], options: DeployOptions, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const target = {
    ...(options.disk && { disk: options.disk }),
    ...(options.rendition && { rendition: options.rendition }),
    ...(options.layout && { layout: await readLayoutArgument(options.layout) }),
    ...(options.filesystem && { filesystem: options.filesystem }),
    ...(options.redeploy && { redeploy: true }),
  }
  const names = await chooseMachines(client, machines, options, (reason) => command.error(reason))
  const [machine = '', ...others] = names
  const isOne = others.length === 0 && options.at === undefined
  if (!isOne && (options.follow || options.dryRun)) {
    command.error('error: --follow and --dry-run are for one machine, and for now')
  }
  if (options.dryRun)
    return showDryRun(await client.request<DryRun>('POST', '/api/v1/layouts/plan', { machine, ...target }), options)
  if (options.image === undefined) command.error('error: say what to deploy: --image NAME')
  const wish = {
    ...target,
    image: options.image,
    ...(options.handOver && { handOver: options.handOver }),
    ...(options.kernelArgument && { kernelArguments: options.kernelArgument }),
    ...(options.verify && { verify: options.verify }),
    ...(options.keepVersions !== undefined && { keepVersions: options.keepVersions }),
    ...(options.proofSeconds !== undefined && { proofSeconds: options.proofSeconds }),
    ...(options.bootAttempts !== undefined && { bootAttempts: options.bootAttempts }),
  }
  if (!isOne) return placeOrders(client, names, { kind: 'deploy', wish: wish as DeployWish }, options)
  const order = { machine, ...wish }
  // A volume takes a while to be made, when it is the version's first.
  await followJob(client, { method: 'POST', path: '/api/v1/deployments/rendition', body: order })
  const { deployment } = await client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments/', order)
  await tellDeployment(client, machine, deployment, options)
}

function showDryRun(planned: DryRun, options: DeployOptions): void {
  if (options.json) printJson(planned)
  else {
    const lines = planned.disk === undefined ? [] : [planned.disk, 'before', ...planned.before]
    if (planned.refusal === undefined) lines.push('after', ...planned.after, 'nothing was changed')
    else lines.push(`refused: ${planned.refusal}`)
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  if (planned.refusal !== undefined) process.exitCode = 1
}

const textConditions = new Set(['serial', 'wwn', 'model', 'bus', 'special'])
const sizeConditions = new Set(['minBytes', 'maxBytes'])

export function parseDiskRule(text: string): DiskRule {
  const rule: Record<string, string | number | boolean> = {}
  for (const part of text.split(',')) {
    const [name = '', ...rest] = part.split('=')
    const value = rest.join('=')
    if (textConditions.has(name) && value !== '') rule[name] = value
    else if (sizeConditions.has(name) && /^\d+$/.test(value)) rule[name] = Number(value)
    else if (name === 'removable' && /^(true|false)$/.test(value)) rule[name] = value === 'true'
    else
      throw new InvalidArgumentError(
        `"${part}" is no condition; use ${[...textConditions, ...sizeConditions, 'removable'].join('=, ')}=`,
      )
  }
  return rule as DiskRule
}
