import { spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PacketServer } from '../packet-server.ts'
import { fetchPeer, type PeerProgram } from '../peer-program.ts'
import type { BenchNetwork } from './network.ts'

export const serverNames = ['bootwright', 'kea', 'dnsmasq'] as const
export type ServerName = (typeof serverNames)[number]

const launcher = join(import.meta.dirname, '../../bin/bootwright-node')
const program = join(import.meta.dirname, 'bootwright-program.ts')

/** The three, each as its operators run it, with the same pool of a /16. */
export class DhcpServers {
  readonly #network: BenchNetwork
  readonly #work: string
  readonly #peers: { kea: PeerProgram; dnsmasq: PeerProgram }

  private constructor(network: BenchNetwork, work: string, peers: { kea: PeerProgram; dnsmasq: PeerProgram }) {
    this.#network = network
    this.#work = work
    this.#peers = peers
  }

  static async prepare(network: BenchNetwork, work: string, log: (line: string) => void): Promise<DhcpServers> {
    const kea = await fetchPeer('kea-dhcp4-server', 'usr/sbin/kea-dhcp4', log)
    return new DhcpServers(network, work, { kea, dnsmasq: await fetchPeer('dnsmasq-base', 'usr/sbin/dnsmasq', log) })
  }

  /** Resolves when it listens. `heldLeases` are in the table before; Bootwright's only. */
  async start(name: ServerName, heldLeases: number): Promise<PacketServer> {
    const directory = join(this.#work, name)
    await rm(directory, { recursive: true, force: true })
    await mkdir(directory)
    const command = await this.#command(name, directory, heldLeases)
    const [file, ...values] = this.#network.inside('server', command)
    const server = new PacketServer(name, spawn(file, values, { stdio: ['ignore', 'ignore', 'pipe'] }))
    await server.untilListening(67)
    return server
  }

  async #command(name: ServerName, directory: string, heldLeases: number): Promise<string[]> {
    const { server } = this.#network.interface
    if (name === 'bootwright') return [launcher, program, server, directory, String(heldLeases)]
    const peer = this.#peers[name]
    const run = ['env', `LD_LIBRARY_PATH=${peer.libraryPath}`]
    if (name === 'dnsmasq') {
      const leases = ['--dhcp-lease-max=70000', `--dhcp-leasefile=${directory}/leases`]
      const range = '--dhcp-range=10.77.1.0,10.77.254.254,255.255.0.0,1h'
      return [
        ...run,
        peer.program,
        '-d',
        '-p',
        '0',
        '-q',
        '-i',
        server,
        '-C',
        '/dev/null',
        '--no-ping',
        range,
        ...leases,
      ]
    }
    const file = join(directory, 'kea.json')
    await writeFile(file, JSON.stringify(keaConfiguration(server, directory)))
    const places = [`KEA_PIDFILE_DIR=${directory}`, `KEA_LOCKFILE_DIR=${directory}`]
    return [...run, ...places, peer.program, '-c', file]
  }
}

/** Its usual lease file, which it does not sync; two threads, as this benchmark's machines have two cores. */
function keaConfiguration(interfaceName: string, directory: string): object {
  return {
    Dhcp4: {
      'interfaces-config': { interfaces: [interfaceName] },
      'lease-database': { type: 'memfile', persist: true, name: join(directory, 'leases.csv'), 'lfc-interval': 0 },
      'multi-threading': { 'enable-multi-threading': true, 'thread-pool-size': 2, 'packet-queue-size': 64 },
      subnet4: [{ subnet: '10.77.0.0/16', pools: [{ pool: '10.77.1.0-10.77.254.254' }] }],
      'valid-lifetime': 3600,
      loggers: [{ name: 'kea-dhcp4', severity: 'ERROR', output_options: [{ output: 'stderr' }] }],
    },
  }
}
