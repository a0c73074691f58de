import { join } from 'node:path'
import type { BenchNetwork } from '../dhcp/network.ts'
import { runPipeline } from '../peer.ts'

export type Load = { clients: number; windowBlocks: number; transfersEach: number }
/** `clientShare`: the part of a processor that the client itself used; near 1 it is the client that is measured. */
export type LoadResult = { bytesPerSecond: number; clientShare: number; resent: number }

export const blockBytes = 1432
const compileTimeoutMs = 60_000
const runTimeoutMs = 300_000
const mostClients = 64

/** A client of our own in C: none of those in Debian asks for a window and is light enough to be 64 beside the server. */
export class LoadClient {
  readonly #network: BenchNetwork
  readonly #program: string
  readonly #files: string

  private constructor(network: BenchNetwork, program: string, files: string) {
    this.#network = network
    this.#program = program
    this.#files = files
  }

  /** Needs gcc. Every client gets an address, as a server may limit what one address does. */
  static async prepare(network: BenchNetwork, work: string, files: string): Promise<LoadClient> {
    const program = join(work, 'load-client')
    const source = join(import.meta.dirname, 'load-client.c')
    await runPipeline('gcc -O2 -o "$1" "$2"', [program, source], compileTimeoutMs)
    const addresses = `for last in $(seq 1 ${mostClients}); do ip addr add 10.77.1.$last/16 dev ${network.interface.client}; done`
    await runPipeline('"$@"', network.inside('client', ['sh', '-c', addresses]), compileTimeoutMs)
    return new LoadClient(network, program, files)
  }

  async fetch(file: string, { clients, windowBlocks, transfersEach }: Load): Promise<LoadResult> {
    const place = [this.#network.serverAddress, '69', file, join(this.#files, file)]
    const load = [blockBytes, windowBlocks, clients, transfersEach].map(String)
    const command = this.#network.inside('client', [this.#program, ...place, ...load, '10.77.1.1'])
    const [bytes, seconds, processorSeconds, resent] = (await runPipeline('"$@"', command, runTimeoutMs))
      .split(' ')
      .map(Number) as [number, number, number, number]
    return { bytesPerSecond: bytes / seconds, clientShare: processorSeconds / seconds, resent }
  }
}
