import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const stopTimeoutMs = 20_000

/** A process that is stopped at the end, whatever happens. */
export class RunningProcess implements AsyncDisposable {
  readonly child: ChildProcess

  constructor(child: ChildProcess) {
    this.child = child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    const killer = setTimeout(() => this.child.kill('SIGKILL'), stopTimeoutMs)
    await ended
    clearTimeout(killer)
  }
}
