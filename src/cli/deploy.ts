import { Command, InvalidArgumentError, Option } from 'commander'
import type { Deployment } from '../core/deployment.ts'
import type { DiskRule } from '../core/disk-rule.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { followOption, tellDeployment } from './tell-deployment.ts'

type DeployOptions = {
  data: string
  json?: boolean
  image: string
  disk?: DiskRule
  rendition?: string
  filesystem: string
  handOver: string
  kernelArgument?: string[]
  keepVersions?: number
  proofSeconds?: number
  follow?: boolean
}

export function deployCommand(): Command {
  return new Command('deploy')
    .description("writes an image to a machine's disk at its next network boot")
    .argument('<machine>')
    .requiredOption('--image <reference>', 'NAME, NAME:TAG or NAME@VERSION')
    .addOption(
      new Option(
        '--disk <rule>',
        'which disk: serial=…,model=…,wwn=…,bus=…,minBytes=…,maxBytes=… (exactly one must match)',
      )
        .argParser(parseDiskRule)
        .default(undefined, 'the only fixed disk'),
    )
    .addOption(new Option('--rendition <kind>', 'what is written').choices(['tree', 'volume', 'disk', 'btrfs']))
    .addOption(new Option('--filesystem <type>', 'of the root').choices(['ext4', 'btrfs', 'xfs']).default('ext4'))
    .addOption(new Option('--hand-over <way>', 'how the agent leaves').choices(['reboot', 'kexec']).default('reboot'))
    .option('--kernel-argument <argument...>', 'for the deployed system')
    .option('--keep-versions <count>', 'how many versions stay on the disk, with --rendition btrfs (3)', parseCount)
    .option('--proof-seconds <seconds>', 'how long the first-boot callback may take', parseCount)
    .addOption(followOption())
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(deploy)
}

async function deploy(machine: string, options: DeployOptions): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const { deployment } = await client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments/', {
    machine,
    image: options.image,
    ...(options.disk && { disk: options.disk }),
    ...(options.rendition && { rendition: options.rendition }),
    filesystem: options.filesystem,
    handOver: options.handOver,
    ...(options.kernelArgument && { kernelArguments: options.kernelArgument }),
    ...(options.keepVersions !== undefined && { keepVersions: options.keepVersions }),
    ...(options.proofSeconds !== undefined && { proofSeconds: options.proofSeconds }),
  })
  await tellDeployment(client, machine, deployment, options)
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

export function parseCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) === 0) throw new InvalidArgumentError('it is a whole number above 0')
  return Number(text)
}
