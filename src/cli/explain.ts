import { Command, InvalidArgumentError, Option } from 'commander'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { architectureTable, parseArchitecture } from '../dhcp/architecture.ts'
import { type ClientPacket, makeClientPacket } from '../dhcp/client-packet.ts'
import { dataOption, jsonOption, socketPathOf } from './data-directory.ts'
import { serviceExplainer, siteExplainer } from './explainer.ts'
import { printJson } from './output.ts'
import { readSite } from './read-site.ts'

type ExplainOptions = {
  mac: string
  arch?: number
  vendorClass?: string
  ipxe?: boolean
  giaddr?: string
  ciaddr?: string
  requested?: string
  server?: string
  type: ClientPacket['type']
  port: '67' | '4011'
  interface?: string
  config?: string
  data: string
  json?: boolean
  verbose?: boolean
}

export function explainCommand(): Command {
  const types = ['discover', 'request', 'inform', 'decline', 'release', 'bootp']
  return new Command('explain')
    .description('what DHCP would answer to a machine, and why; nothing is sent')
    .requiredOption('--mac <address>', 'the machine')
    .option('--arch <architecture>', 'its firmware: bios, uefi-x64, … or the number of option 93', readArchitecture)
    .option('--vendor-class <text>', "option 60, where it is not the firmware's usual one")
    .option('--ipxe', 'it is iPXE that asks')
    .option('--giaddr <address>', 'a relay passes it on')
    .addOption(new Option('--type <type>', 'what it sends').choices(types).default('discover'))
    .option('--ciaddr <address>', 'the address it has')
    .option('--requested <address>', 'the address it asks for (option 50)')
    .option('--server <address>', 'the server it chose (option 54)')
    .addOption(new Option('--port <port>', 'where it is sent').choices(['67', '4011']).default('67'))
    .option('--interface <name>', 'where it is heard')
    .option('--config <file>', 'by this site file, without the service: no machine is known, no lease given')
    .option('--verbose', 'both packets, option by option')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(explain)
}

async function explain(options: ExplainOptions): Promise<void> {
  const { config, data, interface: name, port, ciaddr } = options
  const explainer =
    config === undefined ? serviceExplainer(socketPathOf(data)) : siteExplainer(await readSite(config, {}))
  const explanation = await explainer({
    packet: makeClientPacket(packetOf(options)),
    ...(name !== undefined && { interface: name }),
    address: ciaddr ?? '0.0.0.0',
    isUnicast: ciaddr !== undefined || port === '4011',
    localPort: port === '67' ? 67 : 4011,
  })
  if (options.json) return printJson(explanation)
  const { request = '', answer, reply = '', destination } = explanation
  if (options.verbose && request) process.stdout.write(`${request}\n`)
  process.stdout.write(`${explanation.interface}: ${answer}${destination ? `; ${destination}` : ''}\n`)
  if (options.verbose && reply) process.stdout.write(`\n${reply}`)
}

function packetOf(options: ExplainOptions): ClientPacket {
  const { mac, arch, vendorClass, ipxe = false, giaddr, ciaddr, requested, server, type } = options
  return {
    ...{ mac: parseMac(mac), type, isIpxe: ipxe },
    ...(arch !== undefined && { architecture: arch }),
    ...(vendorClass !== undefined && { vendorClass }),
    ...(giaddr !== undefined && { giaddr: parseIpv4(giaddr) }),
    ...(ciaddr !== undefined && { ciaddr: parseIpv4(ciaddr) }),
    ...(requested !== undefined && { requested: parseIpv4(requested) }),
    ...(server !== undefined && { server: parseIpv4(server) }),
  }
}

function readArchitecture(text: string): number {
  const number = parseArchitecture(text)
  if (number !== undefined) return number
  const names = [...architectureTable.values()].map(({ name }) => name).join(', ')
  throw new InvalidArgumentError(`"${text}" is no architecture; there are ${names}, and numbers.`)
}
