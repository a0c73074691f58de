import { Command, InvalidArgumentError, Option } from 'commander'
import type { RenditionResult } from '../api/run-rendition-job.ts'
import type { DataDisk, RamrootChoice } from '../core/intent.ts'
import { chooseMachines, whereOption } from './choose-machines.ts'
import { openClient } from './client.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { followJob } from './follow-job.ts'
import { atOption, type OrderOptions, placeOrders } from './place-orders.ts'

type Options = OrderOptions & {
  data: string
  image: string
  as: RamrootChoice['rendition']
  where?: string
  dataDisk?: DataDisk[]
  overlay?: 'tmpfs' | 'zram'
  overlaySize?: number
  argument?: string[]
}

export function ramrootCommand(): Command {
  return new Command('ramroot')
    .description('has machines run a version from memory, at every network boot')
    .argument('[machines...]', 'their names')
    .requiredOption('--image <reference>', 'NAME or NAME:TAG, looked up at every boot')
    .addOption(
      new Option('--as <form>', 'squashfs, or the whole root as initrd')
        .choices(['squashfs', 'initrd'])
        .default('squashfs'),
    )
    .addOption(whereOption())
    .option(
      '--data-disk <disk>',
      'label=LABEL,mount=/PATH[,disk=any|serial:SERIAL]: keeps what memory does not',
      addDataDisk,
    )
    .addOption(new Option('--overlay <where>', 'what is written goes into').choices(['tmpfs', 'zram']))
    .option('--overlay-size <MiB>', 'how much may be written (256)', parseMegabytes)
    .option('--argument <word>', "a kernel argument, behind Bootwright's", (word: string, words: string[] = []) => [
      ...words,
      word,
    ])
    .addOption(atOption())
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(ramroot)
}

async function ramroot(names: string[], options: Options, command: Command): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const machines = await chooseMachines(client, names, options, (reason) => command.error(reason))
  const { image, as: rendition, overlay, overlaySize, dataDisk, argument } = options
  // Made first, with its progress: an order would wait for it without a word.
  await followJob<RenditionResult>(client, {
    method: 'POST',
    path: '/api/v1/image-renditions',
    body: { reference: image, rendition },
  })
  const boot: RamrootChoice = {
    ...{ image, rendition },
    ...(argument && { arguments: argument }),
    ...(overlay && { overlay }),
    ...(overlaySize !== undefined && { overlayMegabytes: overlaySize }),
    ...(dataDisk && { dataDisks: dataDisk }),
  }
  await placeOrders(client, machines, { kind: 'boot', intent: { kind: 'ramroot', boot } }, options)
}

function parseMegabytes(text: string): number {
  const megabytes = Number(text)
  if (Number.isInteger(megabytes) && megabytes >= 16) return megabytes
  throw new InvalidArgumentError('a whole number of MiB, 16 or more')
}

function addDataDisk(text: string, others: DataDisk[] = []): DataDisk[] {
  const fields = new Map(text.split(',').map((field) => field.split(/=(.*)/s, 2) as [string, string | undefined]))
  const [label, mount, disk] = ['label', 'mount', 'disk'].map((name) => fields.get(name))
  const unknown = [...fields.keys()].find((name) => !['label', 'mount', 'disk'].includes(name))
  if (unknown !== undefined || label === undefined || mount === undefined) {
    throw new InvalidArgumentError(
      'label=LABEL,mount=/PATH and, to have it made where it is missing, disk=any or disk=serial:SERIAL',
    )
  }
  return [...others, disk === undefined ? { label, mount } : { label, mount, disk: parseDisk(disk) }]
}

function parseDisk(text: string): NonNullable<DataDisk['disk']> {
  if (text === 'any') return 'any'
  const [, serial] = /^serial:(.+)$/.exec(text) ?? []
  if (serial === undefined) throw new InvalidArgumentError('disk is "any" (the only one), or serial:SERIAL')
  return { serial }
}
