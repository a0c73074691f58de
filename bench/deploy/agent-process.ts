import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ReuseRequest } from '../../src/agent/write-tree.ts'
import { bundledProgram } from './bundled-program.ts'

export type AgentOrder = {
  baseUrl: string
  image: string
  version: string
  imagePublicKeyPem: string
  directory: string
  /** Of a filesystem that has files already. */
  reuse?: ReuseRequest
  /** The version is opened before it is timed, as the agent does while the disk is partitioned. */
  isBegun?: boolean
}
export type AgentWrote = { bytesFetched: number; bytesWritten: number; bytesReused: number; cpuSeconds: number }
export type AgentMessage =
  | { kind: 'ready' }
  | ({ kind: 'written' } & AgentWrote)
  | { kind: 'verified' }
  | { kind: 'failed'; message: string }

const deadlineMs = 300_000

/**
 * The agent's writer in a process of its own, as on a machine: the program runs already when the write begins, and none
 * of its code has run before.
 */
export class AgentProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** `program` answers to AgentMessages; it finds the order in its environment. `launcher` starts Node, as `ip netns exec`. */
  static async start(
    order: object,
    program = new URL('./agent-program.ts', import.meta.url),
    launcher: readonly string[] = [],
  ): Promise<AgentProcess> {
    const [execPath = process.execPath, ...execArgv] = [...launcher, process.execPath]
    const child = fork(await bundledProgram(fileURLToPath(program)), {
      execPath,
      execArgv,
      env: { ...process.env, ORDER: JSON.stringify(order) },
    })
    const agent = new AgentProcess(child)
    await agent.#next('ready')
    return agent
  }

  async write(): Promise<AgentWrote> {
    this.#child.send('write')
    return (await this.#next('written')) as AgentWrote & AgentMessage
  }

  async verify(): Promise<void> {
    this.#child.send('verify')
    await this.#next('verified')
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  async #next(kind: AgentMessage['kind']): Promise<AgentMessage> {
    const ended = once(this.#child, 'exit').then(() => ({ kind: 'failed', message: 'it ended' }) as AgentMessage)
    const [message] = await Promise.race([
      once(this.#child, 'message', { signal: AbortSignal.timeout(deadlineMs) }) as Promise<[AgentMessage]>,
      ended.then((failed): [AgentMessage] => [failed]),
    ])
    if (message.kind === kind) return message
    throw new Error(`The writer's process said ${message.kind}${'message' in message ? `: ${message.message}` : ''}`)
  }
}
