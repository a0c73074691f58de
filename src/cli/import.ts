import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Argument, Command } from 'commander'
import { stringify } from 'yaml'
import { formatIpv4 } from '../bytes/ipv4.ts'
import type { SiteFile } from '../dhcp/site-file.ts'
import { importDhcpd } from '../importers/dhcpd.ts'
import { importDnsmasq } from '../importers/dnsmasq.ts'
import { importEthers } from '../importers/ethers.ts'
import type { ImportContext, Imported } from '../importers/imported.ts'
import type { OldServer } from '../importers/old-server.ts'
import { importPxelinux } from '../importers/pxelinux.ts'
import { formatRehearsal, rehearse } from '../importers/rehearsal.ts'
import { RehearsedDhcpd } from '../importers/rehearse-dhcpd.ts'
import { RehearsedDnsmasq } from '../importers/rehearse-dnsmasq.ts'
import { RehearsedSite } from '../importers/rehearse-ours.ts'
import { listInterfaceAddresses } from '../net/interfaces.ts'
import { jsonOption } from './data-directory.ts'
import type { MachinesFile } from './machines-file.ts'
import { printJson } from './output.ts'

const importers = {
  dnsmasq: importDnsmasq,
  dhcpd: importDhcpd,
  ethers: importEthers,
  pxelinux: importPxelinux,
} as const

/** Files that DHCP was answered by. */
const oldServers: Partial<Record<keyof typeof importers, new (file: string, context: ImportContext) => OldServer>> = {
  dnsmasq: RehearsedDnsmasq,
  dhcpd: RehearsedDhcpd,
}

type ImportOptions = { output?: string; interface?: string[]; serverAddress?: string; json?: boolean; dryRun?: boolean }

export function importCommand(): Command {
  return new Command('import')
    .description('an old configuration as a site file and a file of machines, and what of it was not taken over')
    .addArgument(new Argument('<kind>', 'whose file it is').choices(Object.keys(importers)))
    .argument(
      '<file>',
      '/etc/dnsmasq.conf, /etc/dhcp/dhcpd.conf, /etc/ethers; for pxelinux the TFTP root, such as /srv/tftp',
    )
    .option('--output <directory>', 'write site.yaml and machines.yaml there; nothing is overwritten')
    .option('--interface <name...>', 'where to serve, when the file does not say')
    .option('--server-address <address>', 'what clients knew the old server by, when the file does not say')
    .option('--dry-run', 'what each machine was answered, and what it would be: by firmware; nothing is written')
    .addOption(jsonOption())
    .action(importOld)
}

async function importOld(
  kind: keyof typeof importers,
  file: string,
  options: ImportOptions,
  command: Command,
): Promise<void> {
  const context = contextOf(options)
  const imported = importers[kind](file, context)
  const site = siteOf(imported, options.interface ?? [])
  const machines = machinesOf(imported)
  if (options.dryRun) {
    const Old = oldServers[kind] ?? command.error(`error: ${kind} answers no DHCP: there is nothing to rehearse`)
    const ours = new RehearsedSite(site, machines.machines, options.serverAddress)
    const rehearsed = rehearse(new Old(file, context), ours, imported.notTaken)
    if (options.json) return printJson({ machines: rehearsed })
    process.stdout.write(formatRehearsal(rehearsed))
    return
  }
  if (options.output !== undefined) await write(options.output, site, machines)
  if (options.json) return printJson({ site, ...machines, notTaken: imported.notTaken })
  process.stdout.write(summaryOf(imported))
  if (options.output === undefined) return
  const [sitePath, machinesPath] = [join(options.output, 'site.yaml'), join(options.output, 'machines.yaml')]
  process.stdout.write(`next: bootwright serve --config ${sitePath}, and bootwright machine import ${machinesPath}\n`)
}

function summaryOf({ hosts, subnets, groups, classes, notTaken }: Imported): string {
  const left = notTaken.map(({ file, line, text, reason }) => `${file}:${line}: not taken over: ${text}: ${reason}\n`)
  const counts = [
    `${hosts.length} machines`,
    `${subnets.length} subnets`,
    `${Object.keys(groups).length} groups`,
    `${classes.length} classes`,
    `${notTaken.length} lines not taken over`,
  ]
  return `${left.join('')}${counts.join(', ')}\n`
}

function contextOf({ serverAddress }: ImportOptions): ImportContext {
  const facts = listInterfaceAddresses()
  return {
    read: (path) => readFileSync(path, 'utf8'),
    list: (path) => readdirSync(path).sort(),
    interfaces: Object.fromEntries(
      facts.map((fact) => [fact.interface, `${formatIpv4(fact.address)}/${fact.subnet.prefixLength}`]),
    ),
    ...(serverAddress !== undefined && { serverAddress }),
  }
}

/** Where neither file nor command line says where to serve, `eth0` stands there for a person to change. */
function siteOf(imported: Imported, named: readonly string[]): SiteFile {
  const { settings, subnets, groups, classes, hosts, mode, files, names } = imported
  const said = named.length > 0 ? named : imported.interfaces
  const interfaces = said.length > 0 ? said : ['eth0']
  const own = hosts.filter((host) => Object.keys(host.settings).length > 0)
  return {
    interfaces: Object.fromEntries(interfaces.map((name) => [name, { mode }])),
    settings,
    subnets: [...subnets],
    ...(Object.keys(groups).length > 0 && { groups }),
    ...(classes.length > 0 && { classes: [...classes] }),
    ...(own.length > 0 && { machines: Object.fromEntries(own.map((host) => [host.name, host.settings])) }),
    ...(files !== undefined && { files }),
    ...(names && { names }),
  }
}

function machinesOf({ hosts }: Imported): MachinesFile {
  return {
    machines: hosts.map(({ name, macs, address, group }) => ({
      ...{ name, macs: [...macs] },
      ...(address !== undefined && { address }),
      ...(group !== undefined && { group }),
    })),
  }
}

async function write(directory: string, site: SiteFile, machines: MachinesFile): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const [name, content] of Object.entries({ 'site.yaml': site, 'machines.yaml': machines })) {
    await writeFile(join(directory, name), stringify(content, { aliasDuplicateObjects: false }), { flag: 'wx' })
  }
}
