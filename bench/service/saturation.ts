import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import type { BenchNetwork } from '../dhcp/network.ts'

/** A pack's size is of this order, a loader's of that. */
const sizesBytes = { http: 32 << 20, tftp: 1 << 20 }
const clientsEach = 4

/** What the clients fetch again and again. */
export async function makeSaturatingFiles(directory: string): Promise<void> {
  for (const [name, sizeBytes] of Object.entries(sizesBytes)) {
    await using handle = await open(`${directory}/for-${name}`, 'w')
    await handle.truncate(sizeBytes)
  }
}

/** Clients that fetch a file by HTTP, and others by TFTP, as fast as they get it, until disposed. */
export class Saturation implements AsyncDisposable {
  readonly #clients: ChildProcess[]
  readonly #fetched = { http: 0, tftp: 0 }

  constructor(network: BenchNetwork) {
    const address = network.serverAddress
    const urls = { http: `http://${address}:4280/for-http`, tftp: `tftp://${address}/for-tftp` }
    const write = '%{size_download}\\n'
    this.#clients = (['http', 'tftp'] as const).flatMap((kind) => {
      const options = ['--silent', '--output', '/dev/null', '--write-out', write, '--tftp-blksize', '1432']
      const line = 'while :; do curl "$@" || sleep 0.1; done'
      return Array.from({ length: clientsEach }, () => {
        const [file, ...values] = network.enter('client', ['sh', '-c', line, 'sh', ...options, urls[kind]])
        const client = spawn(file, values, { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
        client.stdout.on('data', (text: Buffer) => {
          for (const size of text.toString().split('\n')) this.#fetched[kind] += Number(size)
        })
        return client
      })
    })
  }

  /** Bytes of whole files so far. */
  get fetchedBytes(): Readonly<{ http: number; tftp: number }> {
    return this.#fetched
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#clients.map((client) => once(client, 'exit'))
    for (const { pid } of this.#clients) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    await Promise.all(ended)
  }
}
