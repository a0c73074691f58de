import { type ChildProcess, spawn } from 'node:child_process'
import { readlink } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { runPipeline } from '../peer.ts'

const setUpTimeoutMs = 10_000

/** Two network namespaces and a virtual cable: 10.77.0.1/16 for the server, 10.77.0.2 for the clients. */
export class BenchNetwork implements AsyncDisposable {
  readonly interface = { server: 'bench-server', client: 'bench-client' }
  readonly serverAddress = '10.77.0.1'
  readonly #holders: { server: ChildProcess; client: ChildProcess }

  private constructor(holders: { server: ChildProcess; client: ChildProcess }) {
    this.#holders = holders
  }

  /** Needs root. */
  static async open(): Promise<BenchNetwork> {
    const network = new BenchNetwork({ server: await hold(), client: await hold() })
    const { server, client } = network.interface
    await network.#run('server', `ip link add ${server} type veth peer name ${client}`)
    await network.#run('server', `ip link set ${client} netns ${network.#holders.client.pid}`)
    for (const [place, last] of [
      ['server', 1],
      ['client', 2],
    ] as const) {
      const name = network.interface[place]
      await network.#run(
        place,
        `ip link set lo up && ip addr add 10.77.0.${last}/16 dev ${name} && ip link set ${name} up`,
      )
    }
    return network
  }

  /** A command line that runs inside, as any other program of the machine. */
  enter(place: 'server' | 'client', command: readonly string[]): [string, ...string[]] {
    return ['nsenter', '-t', String(this.#holders[place].pid), '-n', ...command]
  }

  /** A command line that runs inside and goes before the machine's other programs: what is measured, and what measures. */
  inside(place: 'server' | 'client', command: readonly string[]): [string, ...string[]] {
    const enter = this.enter(place, command)
    return ['nice', '-n', '-15', 'setsid', 'sh', '-c', preferred, 'sh', ...pinned(place), ...enter]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const holder of Object.values(this.#holders)) holder.kill('SIGKILL')
  }

  async #run(place: 'server' | 'client', line: string): Promise<void> {
    const [program, ...values] = this.inside(place, ['sh', '-c', line])
    await runPipeline('"$@"', [program, ...values], setUpTimeoutMs)
  }
}

const preferred = 'echo -15 2>/dev/null >/proc/self/autogroup; exec "$@"'

/** The load generator has the last processor to itself, and whoever is measured has the others. */
function pinned(place: 'server' | 'client'): string[] {
  const last = availableParallelism() - 1
  if (last === 0) return []
  return ['taskset', '-c', place === 'client' ? String(last) : `0-${last - 1}`]
}

async function hold(): Promise<ChildProcess> {
  const holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', 'sleep', 'infinity'], { stdio: 'ignore' })
  const ours = await readlink('/proc/self/ns/net')
  const deadline = Date.now() + setUpTimeoutMs
  while ((await readlink(`/proc/${holder.pid}/ns/net`)) === ours) {
    if (Date.now() > deadline) throw new Error('unshare made no network: this needs root')
    await wait(10)
  }
  return holder
}
