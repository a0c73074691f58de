import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { BenchNetwork } from '../dhcp/network.ts'
import { PacketServer } from '../packet-server.ts'
import { fetchPeer, type PeerProgram } from '../peer-program.ts'

export const serverNames = ['bootwright', 'dnsmasq', 'tftpd-hpa'] as const
export type ServerName = (typeof serverNames)[number]

const launcher = join(import.meta.dirname, '../../bin/bootwright-node')
const program = join(import.meta.dirname, 'bootwright-program.ts')

/** The three, each serving the same directory on its usual port. */
export class TftpServers {
  readonly #network: BenchNetwork
  readonly #files: string
  readonly #peers: Record<Exclude<ServerName, 'bootwright'>, PeerProgram>

  private constructor(network: BenchNetwork, files: string, peers: Record<'dnsmasq' | 'tftpd-hpa', PeerProgram>) {
    this.#network = network
    this.#files = files
    this.#peers = peers
  }

  static async prepare(network: BenchNetwork, files: string, log: (line: string) => void): Promise<TftpServers> {
    const dnsmasq = await fetchPeer('dnsmasq-base', 'usr/sbin/dnsmasq', log)
    const hpa = await fetchPeer('tftpd-hpa', 'usr/sbin/in.tftpd', log)
    return new TftpServers(network, files, { dnsmasq, 'tftpd-hpa': hpa })
  }

  /** Resolves when it listens. */
  async start(name: ServerName): Promise<PacketServer> {
    const [file, ...values] = this.#network.inside('server', this.#command(name))
    const server = new PacketServer(name, spawn(file, values, { stdio: ['ignore', 'ignore', 'pipe'] }))
    await server.untilListening(69)
    return server
  }

  #command(name: ServerName): string[] {
    const { server } = this.#network.interface
    if (name === 'bootwright') return [launcher, program, server, this.#network.serverAddress, this.#files]
    const { program: peer, libraryPath } = this.#peers[name]
    const run = ['env', `LD_LIBRARY_PATH=${libraryPath}`, peer]
    if (name === 'tftpd-hpa') {
      return [...run, '-L', '-a', `${this.#network.serverAddress}:69`, '-u', 'root', '-s', this.#files]
    }
    const tftp = ['--enable-tftp', `--tftp-root=${this.#files}`, '--tftp-max=128']
    return [...run, '-d', '-p', '0', '-q', '-u', 'root', '-i', server, '-C', '/dev/null', ...tftp]
  }
}
