import { copyFile, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchPeer } from '../../../bench/peer-program.ts'
import type { CaseFigures, RackCase } from '../../../src/cli/rack/case.ts'
import type { RackSite } from '../../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../../src/cli/rack/supplies.ts'
import { runProgram } from '../../../src/programs/run-program.ts'
import { ForeignHost } from '../../../src/rack/foreign-host.ts'
import type { RackMachine } from '../../../src/rack/machine.ts'
import type { Rack } from '../../../src/rack/rack.ts'
import { rackNetwork } from '../../../src/rack/switch.ts'
import { defaultCacheDirectory } from '../../../src/ramdisk/build-ramdisk.ts'

const launcher = join(import.meta.dirname, '../../../bin/bootwright')
const bootTimeoutMs = 4 * 60_000
/** Of the rack's first machine. */
const machineMac = '52:54:00:77:00:01'
const oldAddress = '10.77.0.2'
/** What the old server calls its interface. */
const oldInterface = `to-${rackNetwork.bridge}`

type Daemon = ReturnType<ForeignHost['start']>
type OldDaemon = { package: string; path: string; values(directory: string, configuration: string): string[] }

const daemons = {
  dnsmasq: {
    package: 'dnsmasq-base',
    path: 'usr/sbin/dnsmasq',
    values: (directory, configuration) => [
      ...['-d', '-C', configuration, '--no-ping', '--user=root'],
      `--dhcp-leasefile=${join(directory, 'dnsmasq.leases')}`,
    ],
  },
  dhcpd: {
    package: 'isc-dhcp-server',
    path: 'usr/sbin/dhcpd',
    values: (directory, configuration) => [
      ...['-4', '-f', '-d', '--no-pid', '-cf', configuration, '-lf', join(directory, 'dhcpd.leases'), oldInterface],
    ],
  },
} as const satisfies Record<string, OldDaemon>

/** A server with an old configuration and a TFTP directory as it lies in many a server room; then we take its place. */
export class OldNetwork {
  readonly kind: keyof typeof daemons
  readonly setting: Pick<RackCase, 'prepare' | 'surround' | 'serveOptions' | 'run'>
  readonly #files: string
  readonly #configuration: string
  /** Serves the files on when the old server is gone: for one that never served any. */
  readonly #fileServer: string | undefined
  #daemon: Daemon | undefined

  /** `configuration` and `fileServer` (a dnsmasq.conf): what stands in them, given the TFTP directory. */
  constructor(
    kind: keyof typeof daemons,
    {
      configuration,
      fileServer,
    }: Record<'configuration', (files: string) => string> & {
      fileServer?: (files: string) => string
    },
  ) {
    this.kind = kind
    this.#files = join(defaultCacheDirectory(), 'rack', `old-${kind}`)
    this.#configuration = configuration(this.#files)
    this.#fileServer = fileServer?.(this.#files)
    this.setting = {
      prepare: async (supplies, log) => {
        for (const name of ['dnsmasq', kind] as const) await fetchPeer(daemons[name].package, daemons[name].path, log)
        await makeFiles(this.#files, supplies)
      },
      surround: (rack) => this.#surround(rack),
      serveOptions: ['--mode', 'listen'],
      run: (site) => this.#run(site),
    }
  }

  async #surround(rack: Rack): Promise<void> {
    const host = await ForeignHost.open('old')
    await host.plugInto(rackNetwork.bridge, `${oldAddress}/24`)
    await writeFile(join(rack.directory, 'dhcpd.leases'), '')
    this.#daemon = await startDaemon(host, rack, this.kind, ['old.conf', this.#configuration])
    if (this.#fileServer !== undefined) await startDaemon(host, rack, 'dnsmasq', ['files.conf', this.#fileServer])
  }

  async #run(site: RackSite): Promise<CaseFigures> {
    // what is known of it comes from the old file alone
    const machine = await site.rack.addMachine({ name: 'worker-1', firmware: 'bios' })
    await site.service.stop()
    site.log(`${this.kind} answers`)
    await bootWorker(machine)
    await this.#daemon!.stop()
    await this.#takeOver(site)
    site.log('its imported files answer')
    machine.console.skipToNow()
    await bootWorker(machine)
    return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
  }

  async #takeOver({ rack, service }: RackSite): Promise<void> {
    const output = join(rack.directory, 'migrated')
    const where = ['--interface', rackNetwork.bridge, '--server-address', rackNetwork.serverAddress]
    await runProgram(launcher, ['import', this.kind, join(rack.directory, 'old.conf'), '--output', output, ...where])
    await service.restartWith({ options: [], siteFile: await readFile(join(output, 'site.yaml'), 'utf8') })
    const machines = join(output, 'machines.yaml')
    await runProgram(launcher, ['machine', 'import', machines, '--data', join(rack.directory, 'service')])
  }
}

async function startDaemon(
  host: ForeignHost,
  { directory }: Rack,
  kind: keyof typeof daemons,
  [name, text]: readonly [string, string],
): Promise<Daemon> {
  const configuration = join(directory, name)
  await writeFile(configuration, text)
  const { package: packageName, path, values } = daemons[kind]
  const { program, libraryPath } = await fetchPeer(packageName, path, () => {})
  const command = ['env', `LD_LIBRARY_PATH=${libraryPath}`, program, ...values(directory, configuration)]
  return host.start(command, join(directory, `${name}.log`))
}

/** PXELINUX, whose default is another label than the one of the old file's group. */
async function makeFiles(files: string, { ramdiskDirectory }: RackSupplies): Promise<void> {
  await rm(files, { recursive: true, force: true })
  for (const name of ['pxelinux.cfg', 'roles', 'linux']) await mkdir(join(files, name), { recursive: true })
  await copyFile('/usr/lib/PXELINUX/pxelinux.0', join(files, 'pxelinux.0'))
  await copyFile('/usr/lib/syslinux/modules/bios/ldlinux.c32', join(files, 'ldlinux.c32'))
  await link(join(ramdiskDirectory, 'vmlinuz'), join(files, 'linux', 'vmlinuz'))
  for (const [path, label] of [
    ['pxelinux.cfg/default', 'nobody'],
    ['roles/worker.cfg', 'worker'],
  ] as const) {
    const lines = [
      `DEFAULT ${label}`,
      `LABEL ${label}`,
      '  KERNEL linux/vmlinuz',
      `  APPEND console=ttyS0,115200 role=${label}`,
    ]
    await writeFile(join(files, path), `${lines.join('\n')}\n`)
  }
}

async function bootWorker(machine: RackMachine): Promise<void> {
  await machine.powerOn()
  const expectation = { timeoutMs: bootTimeoutMs, what: "the kernel of the group's label" }
  const [, role] = await machine.console.expect(/Command line:.* role=(worker|nobody)/, expectation)
  if (role !== 'worker') throw new WrongLabel(`The machine booted the label ${role}, not worker`)
  await machine.powerOff()
}

/** The machine was not told what its group is told. */
class WrongLabel extends Error {
  override readonly name = 'WrongLabel'
}

/** As both old files know it. */
export const oldMachine = {
  mac: machineMac,
  address: '10.77.0.51',
  interface: oldInterface,
  server: oldAddress,
} as const
