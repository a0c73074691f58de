import { join } from 'node:path'
import { Command, Option } from 'commander'
import { parseNetwork } from '../butterknife/networks.ts'
import { agentArchitectures, defaultConsoles } from '../core/agent-architecture.ts'
import { loaderNames } from '../core/loader.ts'
import { unknownPolicies } from '../core/newcomer.ts'
import { dataOption, socketPathOf } from './data-directory.ts'
import { parseCount } from './parse-count.ts'
import { readSite, type SiteFlags } from './read-site.ts'

type ServeOptionsGiven = SiteFlags & {
  config?: string
  data: string
  images?: string
  keys?: string
  ramdisk?: string[]
  bootPort: number
  management: string
  managementFd?: number
  console?: string[]
  butterknife?: string
  butterknifeProxy?: string[]
  logLevel: string
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('answers the network boot, until stopped')
    .option('--config <file>', 'site file (YAML): interfaces, subnets, options; see docs/dhcp.md')
    .addOption(
      new Option('--interface <name>', 'the provisioning interface; nothing is sent on any other').conflicts('config'),
    )
    .addOption(
      new Option('--mode <mode>', 'how the interface is served')
        .choices(['listen', 'proxy', 'authoritative'])
        .default('authoritative'),
    )
    .option('--even-if-dynamic', "serve although the interface's own address came from DHCP")
    .addOption(dataOption())
    .option('--images <directory>', 'image repository (default: DATA/images)')
    .option('--keys <directory>', 'signing keys and the management token (default: DATA/keys)')
    .addOption(
      new Option('--architecture <name...>', 'of the machines (default: x64)').choices([...agentArchitectures]),
    )
    .option(
      '--ramdisk <directory...>',
      "ramdisks made by 'bootwright ramdisk build' (default: made at the first start)",
    )
    .option('--range <first-last>', 'addresses to lease (default: the upper half of the subnet)')
    .option('--router <address>', 'default router given to clients')
    .option('--dns <address...>', 'DNS servers given to clients')
    .option('--lease-seconds <seconds>', 'lease time (default: 3600)', parseCount)
    .addOption(
      new Option('--unknown <policy>', 'machines never seen before').choices([...unknownPolicies]).default('discover'),
    )
    .addOption(new Option('--loader <name>', 'what firmware runs first (default: ipxe)').choices([...loaderNames]))
    .addOption(
      new Option('--files <directory>', 'files of your own, served by TFTP and HTTP as they are').conflicts('config'),
    )
    .addOption(
      new Option('--hand-made <path>', 'a loader of yours, with its configuration, where nothing is ordered').conflicts(
        'config',
      ),
    )
    .option('--boot-port <port>', 'HTTP port of the boot plane, on the interface', parseCount, 4280)
    .option('--management <address:port>', 'where the management API and the live page listen', '127.0.0.1:4281')
    .addOption(new Option('--management-fd <number>', 'a listening socket, in place of --management').argParser(Number))
    .option(
      '--console <console...>',
      `kernel consoles of the agent, the main one last (default: ${defaultConsoles.x64.join(' ')})`,
    )
    .option('--butterknife <address:port>', 'where the Butterknife API listens (default: it is off)')
    .option('--butterknife-proxy <network...>', 'HTTPS proxies before it, whose X-Forwarded-For is believed')
    .addOption(
      new Option('--log-level <level>', 'what is logged').choices(['debug', 'info', 'warn', 'error']).default('info'),
    )
    .action(runService)
}

async function runService(given: ServeOptionsGiven): Promise<void> {
  const { serve } = await import('../server.ts')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  await serve(
    {
      siteFile: await readSite(given.config, given),
      dataDirectory: given.data,
      imageDirectory: given.images ?? join(given.data, 'images'),
      keyDirectory: given.keys ?? join(given.data, 'keys'),
      ramdiskDirectories: given.ramdisk ?? [],
      socketPath: socketPathOf(given.data),
      bootPort: given.bootPort,
      management:
        given.managementFd === undefined
          ? parseListenAddress('--management', given.management)
          : { fd: given.managementFd },
      ...(given.console && { consoles: given.console }),
      ...(given.butterknife !== undefined && {
        butterknife: {
          ...parseListenAddress('--butterknife', given.butterknife),
          trustedProxies: (given.butterknifeProxy ?? []).map(parseNetwork),
        },
      }),
      logLevel: given.logLevel,
    },
    stop.signal,
  )
}

function parseListenAddress(option: string, text: string): { host: string; port: number } {
  const match = /^\[?([^\]]*)\]?:(\d{1,5})$/.exec(text)
  if (!match) throw new Error(`${option} ${text}: give an address and a port, such as 127.0.0.1:4281`)
  return { host: match[1]!, port: Number(match[2]) }
}
