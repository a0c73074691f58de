import { type Command, Option } from 'commander'
import type { DeltaResult, RenditionResult } from '../api/run-rendition-job.ts'
import { followJob } from './follow-job.ts'
import { type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { formatBytes, printJson } from './output.ts'

const renditions = ['volume-ext4', 'volume-btrfs', 'volume-xfs', 'disk', 'btrfs', 'squashfs', 'initrd']

export function renditionCommands(): Command[] {
  const from = new Option('--from <reference>', 'the version it builds on (the nearest ancestor that has one)')
  return [
    sharedCommand('render <version> <rendition>')
      .description(`makes a form of a version: ${renditions.join(', ')}; made once, kept with the version`)
      .addOption(from.conflicts('scratch'))
      .option('--scratch', 'build on nothing')
      .action(render),
    sharedCommand('delta <from> <to>')
      .description('makes what a machine that has the first version fetches to get the second')
      .addOption(
        new Option('--of <what>', 'of which form')
          .choices(['tree', 'volume-ext4', 'volume-btrfs', 'volume-xfs'])
          .default('tree'),
      )
      .action(delta),
  ]
}

async function render(version: string, rendition: string, options: Shared & { from?: string; scratch?: boolean }) {
  const parent = options.scratch ? null : options.from
  const result = await followJob<RenditionResult>(serviceOf(options), {
    method: 'POST',
    path: '/api/v1/image-renditions',
    body: { reference: version, rendition, ...(parent !== undefined && { parent }) },
  })
  if (options.json) return printJson(result)
  const base = result.parent === undefined ? 'from scratch' : `on ${result.parent.slice(0, 12)}`
  process.stdout.write(
    `${result.rendition} of ${result.version.slice(0, 12)}, ${base}: ${formatBytes(result.sizeBytes)}, ${formatBytes(result.dataBytes)} of data, ${formatBytes(result.storedBytes)} compressed\n`,
  )
}

async function delta(from: string, to: string, options: Shared & { of: string }): Promise<void> {
  const result = await followJob<DeltaResult>(serviceOf(options), {
    method: 'POST',
    path: '/api/v1/image-deltas',
    body: { from, to, of: options.of },
  })
  if (options.json) return printJson(result)
  process.stdout.write(`${result.chunks} chunks, ${formatBytes(result.storedBytes)} to fetch\n`)
}
