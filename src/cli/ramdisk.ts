import { join } from 'node:path'
import { Command, Option } from 'commander'
import { type AgentArchitecture, agentArchitectures } from '../core/agent-architecture.ts'
import type { Ramdisk } from '../ramdisk/published-ramdisk.ts'
import { dataOption, jsonOption } from './data-directory.ts'
import { formatBytes, printJson, printTable } from './output.ts'

type BuildOptions = {
  arch: AgentArchitecture
  data: string
  keys?: string
  images?: string
  output?: string
  overlay?: string
  caBundle?: string
  keymap?: string
  kernel?: string
  modules?: string
  json?: boolean
}

export function ramdiskCommand(): Command {
  const command = new Command('ramdisk').description("the agent's kernel and initrd")
  command
    .command('build')
    .description('makes them from Debian packages; what did not change comes from the cache')
    .addOption(dataOption())
    .addOption(new Option('--arch <name>', 'of the machines it is for').choices([...agentArchitectures]).default('x64'))
    .option('--keys <directory>', 'keys it will trust (default: DATA/keys)')
    .option('--output <directory>', 'where it is put, under its id (default: DATA/ramdisk)')
    .option('--overlay <directory>', 'files of yours, laid over its root')
    .option('--ca-bundle <file>', 'PEM certificates it trusts as well')
    .option('--keymap <file>', "console keymap, as made by 'loadkeys --bkeymap'")
    .addOption(new Option('--kernel <image>', 'another kernel than Debian’s'))
    .option('--modules <directory>', 'its lib/modules/RELEASE')
    .addOption(jsonOption())
    .action(build)
  command
    .command('list [directory]')
    .description('says what each megabyte is')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(list)
  return command
}

async function build(options: BuildOptions): Promise<void> {
  const { buildRamdisk, defaultCacheDirectory } = await import('../ramdisk/build-ramdisk.ts')
  const { openSiteKeys, trustOf } = await import('../deploy/site-keys.ts')
  if (Boolean(options.kernel) !== Boolean(options.modules)) throw new Error('--kernel and --modules go together')
  const ramdisk = await buildRamdisk({
    architecture: options.arch,
    cacheDirectory: defaultCacheDirectory(),
    outputDirectory: options.output ?? join(options.data, 'ramdisk'),
    trust: trustOf(await openSiteKeys(options.keys ?? join(options.data, 'keys'))),
    ...(options.overlay !== undefined && { overlay: options.overlay }),
    ...(options.caBundle !== undefined && { caBundle: options.caBundle }),
    ...(options.keymap !== undefined && { keymap: options.keymap }),
    ...(options.kernel && options.modules && { kernel: { image: options.kernel, modulesDirectory: options.modules } }),
    onProgress: (message) => process.stderr.write(`ramdisk: ${message}\n`),
  })
  if (options.json) return printJson(ramdisk)
  process.stdout.write(`${ramdisk.directory}\n`)
  for (const file of ramdisk.files) process.stdout.write(`  ${file.file.padEnd(24)} ${formatBytes(file.bytes)}\n`)
  process.stdout.write(
    `  ${'in all'.padEnd(24)} ${formatBytes(ramdisk.totalBytes)}, Linux ${ramdisk.release} for ${ramdisk.architecture}\n`,
  )
}

async function list(directory: string | undefined, options: { data: string; json?: boolean }): Promise<void> {
  const ramdisk = await findRamdisk(directory, join(options.data, 'ramdisk'))
  if (options.json) return printJson(ramdisk)
  printTable(
    ['FILE', 'WHAT', 'FILES', 'SIZE', 'LOADED'],
    ramdisk.files.flatMap((file) => [
      [file.file, '', '', formatBytes(file.rawBytes), formatBytes(file.bytes)],
      ...file.shares.map((share) => ['', share.of, String(share.files), formatBytes(share.bytes), '']),
    ]),
  )
  process.stdout.write(`a machine loads ${formatBytes(ramdisk.totalBytes)}\n`)
}

/** The directory given, or the newest one below the data directory. */
async function findRamdisk(directory: string | undefined, parent: string): Promise<Ramdisk> {
  const { newestRamdisk, readRamdisk } = await import('../ramdisk/published-ramdisk.ts')
  const found = directory === undefined ? await newestRamdisk(parent) : await readRamdisk(directory)
  if (found) return found
  throw new Error(`there is no ramdisk in ${directory ?? parent}; 'bootwright ramdisk build' makes one`)
}
