import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

const startTimeoutMs = 30_000
/** USER_HZ, on every Linux. */
const ticksPerSecond = 100

/** A program that answers on a UDP port, run for a benchmark. */
export class PacketServer implements AsyncDisposable {
  readonly #name: string
  readonly #child: ChildProcess
  #said = ''

  constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    child.stderr?.on('data', (text: Buffer) => {
      this.#said = (this.#said + text.toString('utf8')).slice(-2000)
    })
  }

  /** Of a processor, since its start, with those of its children that have ended. */
  async processorSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')
    const [, fields = ''] = stat.split(') ')
    const ticks = fields.split(' ').slice(11, 15).map(Number)
    return ticks.reduce((sum, each) => sum + each, 0) / ticksPerSecond
  }

  assertRunning(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return
    throw new Error(`${this.#name} ended by itself: ${this.#said}`)
  }

  /** The port is bound in its network. */
  async untilListening(port: number): Promise<void> {
    const bound = new RegExp(`^ *\\d+: [0-9A-F]{8}:${port.toString(16).toUpperCase().padStart(4, '0')} `, 'm')
    const deadline = Date.now() + startTimeoutMs
    for (;;) {
      this.assertRunning()
      const sockets = await readFile(`/proc/${this.#child.pid}/net/udp`, 'utf8').catch(() => '')
      if (bound.test(sockets)) return
      if (Date.now() > deadline) throw new Error(`${this.#name} does not listen on port ${port}: ${this.#said}`)
      await wait(20)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), startTimeoutMs)
    await ended
    clearTimeout(killer)
  }
}
