import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import type { DhcpEvent } from '../../../src/dhcp/dhcp-event.ts'
import { type Network, openNetworkPair } from '../network-pair.ts'
import type { BurstAck, BurstSettings } from './burst.ts'
import type { ServeSettings } from './serve.ts'

const launcher = join(import.meta.dirname, '../../../bin/bootwright-node')
const serve = join(import.meta.dirname, 'serve.ts')
const burst = join(import.meta.dirname, 'burst.ts')

/** A cable, the server's end of it served from `directory`, where the lease database is. */
export class DhcpBench {
  readonly server: Network
  readonly client: Network
  readonly directory: string
  readonly leaseFile: string
  readonly #t: TestContext

  constructor(t: TestContext, networks: { server: Network; client: Network }, directory: string) {
    this.#t = t
    this.server = networks.server
    this.client = networks.client
    this.directory = directory
    this.leaseFile = join(directory, 'leases.journal')
  }

  /** Starts the server and waits until it answers. `wrapper`: a program that runs it, such as strace. */
  async serve(settings: Partial<ServeSettings> = {}, wrapper: string[] = []): Promise<ServedDhcp> {
    const { interface: name, address } = this.server
    const { leaseFile } = this
    const all: ServeSettings = {
      ...{ interface: name, subnet: '10.99.0.0/24', serverAddress: address, leaseFile, machines: [], overrides: {} },
      ...settings,
    }
    const [program, ...rest] = [...wrapper, launcher, serve, JSON.stringify(all)]
    const [file, values] = this.server.command(program!, ...rest)
    const process = spawn(file, values, { stdio: ['ignore', 'pipe', 'inherit'] })
    const served = new ServedDhcp(process)
    this.#t.after(() => served.end('SIGKILL'))
    await within(served.ready, 'the server to answer')
    return served
  }

  /** Starts clients that all want an address at once; `acks` grows as they get it. */
  burst(settings: Omit<BurstSettings, 'interface'>): { acks: BurstAck[]; ended: Promise<void>; process: ChildProcess } {
    const all: BurstSettings = { interface: this.client.interface, ...settings }
    const [file, values] = this.client.command(launcher, burst, JSON.stringify(all))
    const process = spawn(file, values, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#t.after(() => process.kill('SIGKILL'))
    const acks: BurstAck[] = []
    const lines = createInterface(process.stdout!)
    lines.on('line', (line) => acks.push(JSON.parse(line)))
    return { acks, ended: once(lines, 'close').then(() => {}), process }
  }
}

export class ServedDhcp {
  readonly process: ChildProcess
  readonly events: DhcpEvent[] = []
  readonly ready: Promise<void>

  constructor(process: ChildProcess) {
    this.process = process
    const ready = Promise.withResolvers<void>()
    this.ready = ready.promise
    createInterface(process.stdout!).on('line', (line) => {
      const event = JSON.parse(line) as DhcpEvent | { kind: 'ready' }
      if (event.kind === 'ready') ready.resolve()
      else this.events.push(event)
    })
    process.once('exit', (code, signal) => ready.reject(new Error(`the server ended: ${code ?? signal}`)))
  }

  /**
   * One line an event: `DISCOVER → OFFER 10.99.0.128`, `RELEASE → ignore: it gave 10.99.0.128 back`. What a client sends
   * again, because the machine is too busy to answer in time, is answered again and told once.
   */
  get story(): string[] {
    const chapters = this.events.map((event) => {
      if (event.kind === 'malformed') return `malformed: ${event.reason}`
      if (event.kind === 'other-server') return `other server ${event.server}: ${event.how}`
      if (event.kind === 'untold') return `${event.count} untold`
      if (event.kind !== 'reply') return `${event.messageType} → ${event.kind}: ${event.reason}`
      const renewed = event.because.includes('(renewed)') ? ' renewed' : ''
      return `${event.messageType} → ${event.replyType}${event.address ? ` ${event.address}` : ''}${renewed}`
    })
    return chapters.filter((line, index) => line.startsWith('malformed') || line !== chapters[index - 1])
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const exited = once(this.process, 'exit')
    this.process.kill(signal)
    await within(exited, `the server to end by ${signal}`)
  }
}

/** Undefined when the test was skipped. The client's end has no address. */
export async function openDhcpBench(t: TestContext): Promise<DhcpBench | undefined> {
  const networks = await openNetworkPair(t)
  if (!networks) return undefined
  const { code, stderr } = await networks.client.run('ip', ['addr', 'flush', 'dev', networks.client.interface])
  assert.equal(code, 0, stderr)
  return openBenchOn(t, networks)
}

/** A bench on networks that are there already. */
export async function openBenchOn(t: TestContext, networks: { server: Network; client: Network }): Promise<DhcpBench> {
  const directory = await mkdtemp(join(tmpdir(), 'dhcp-'))
  t.after(() => rm(directory, { recursive: true }))
  return new DhcpBench(t, networks, directory)
}

async function within<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  const tooLate = Promise.withResolvers<never>()
  const timer = setTimeout(() => tooLate.reject(new Error(`waited 20 s for ${what}`)), 20_000)
  try {
    return await Promise.race([promise, tooLate.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits until the condition holds; the message says what did not happen in 20 s. */
export async function until(condition: () => boolean, what: () => string, timeoutMs = 20_000): Promise<void> {
  const deadlineAt = performance.now() + timeoutMs
  while (!condition()) {
    assert.ok(performance.now() < deadlineAt, `did not happen in ${timeoutMs / 1000} s: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
