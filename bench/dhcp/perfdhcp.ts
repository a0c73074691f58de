import { runPipeline } from '../peer.ts'
import { fetchPeer, type PeerProgram } from '../peer-program.ts'
import type { BenchNetwork } from './network.ts'

/** `lossRatio`: of DISCOVERs, how many did not end with an ACK. */
export type Exchanges = {
  perSecond: number
  lossRatio: number
  /** Of ACKs; only where it was asked for. */
  p99Ms?: number
}

const spareMs = 30_000
/** More than the pool has: every exchange is a new client's. */
const clients = 64_000

/** Kea's own load generator: fresh clients through a relay (as it plays one), four packets each. */
export class Perfdhcp {
  readonly #network: BenchNetwork
  readonly #peer: PeerProgram

  private constructor(network: BenchNetwork, peer: PeerProgram) {
    this.#network = network
    this.#peer = peer
  }

  static async prepare(network: BenchNetwork, log: (line: string) => void): Promise<Perfdhcp> {
    return new Perfdhcp(network, await fetchPeer('kea-admin', 'usr/sbin/perfdhcp', log))
  }

  /** A service has been running for a while: its code is compiled, its buffers are there. Other clients than later. */
  async warmUp(): Promise<void> {
    await this.#run(['-r', '500', '-p', '2', '-b', 'mac=02:77:00:00:00:00'], 2)
  }

  async exchange(rate: number, seconds: number, wantsDelays = false): Promise<Exchanges> {
    const more = wantsDelays ? ['-x', 't'] : []
    return readReport(await this.#run(['-r', String(rate), '-p', String(seconds), ...more], seconds), seconds)
  }

  #run(options: readonly string[], seconds: number): Promise<string> {
    const { program, libraryPath } = this.#peer
    const command = ['env', `LD_LIBRARY_PATH=${libraryPath}`, program, '-4', '-l', this.#network.interface.client]
    // One thread: of two on its one processor the one that sends, and never rests, keeps the other from receiving.
    const usual = ['-g', 'single', '-R', String(clients), '-W', '500000', '-d', '1']
    const all = this.#network.inside('client', [...command, ...usual, ...options])
    // It ends with 3 where answers are missing, which is a figure here.
    return runPipeline('"$@" 2>&1 || test $? = 3', all, seconds * 1000 + spareMs)
  }
}

/** The report's numbers, and with `-x t` a line for each packet: when it was sent and when answered, in seconds. */
function readReport(text: string, seconds: number): Exchanges {
  const [discovers, , , acks] = [...text.matchAll(/^(?:sent|received) packets: (\d+)$/gm)].map(([, count]) =>
    Number(count),
  )
  if (!discovers || acks === undefined) {
    throw new Error(`perfdhcp reported no exchanges:\n${text.slice(-2000)}`)
  }
  const [, requests = ''] = text.split('***Timestamps for packets: REQUEST-ACK***')
  const delays = [...requests.matchAll(/^sent \/ received: ([\d.]+) \/ ([\d.]+)$/gm)].map(
    ([, sent, received]) => (Number(received) - Number(sent)) * 1000,
  )
  const p99Ms = delays.toSorted((a, b) => a - b)[Math.floor(delays.length * 0.99)]
  // Not by its own rate, which counts the half second it waits for what is late.
  return { perSecond: acks / seconds, lossRatio: 1 - acks / discovers, ...(p99Ms !== undefined && { p99Ms }) }
}
