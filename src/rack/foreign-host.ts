import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readlink } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { runProgram } from '../programs/run-program.ts'

/** The kernel made no network for it. */
export class ForeignHostUnavailable extends Error {
  override readonly name = 'ForeignHostUnavailable'
}

const madeTimeoutMs = 5000

/**
 * A computer on the rack's switches that is neither the server nor a machine of ours: a router, somebody's DHCP server. It
 * is a network namespace inside the rack's, and gone with the rack.
 */
export class ForeignHost {
  readonly name: string
  #holder: ChildProcess

  private constructor(name: string, holder: ChildProcess) {
    this.name = name
    this.#holder = holder
  }

  static async open(name: string): Promise<ForeignHost> {
    const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' })
    const ours = await readlink('/proc/self/ns/net')
    const deadline = performance.now() + madeTimeoutMs
    while ((await readlink(`/proc/${holder.pid}/ns/net`).catch(() => ours)) === ours) {
      if (holder.exitCode !== null || performance.now() > deadline) {
        throw new ForeignHostUnavailable(`The kernel made no network namespace for ${name}`)
      }
      await wait(5)
    }
    const host = new ForeignHost(name, holder)
    await host.run('ip', ['link', 'set', 'lo', 'up'])
    return host
  }

  /** Plugs it into a switch, with an address (`10.77.0.2/24`); gives the name of its interface. */
  async plugInto(bridge: string, address: string): Promise<string> {
    const ours = `${this.name}-${bridge}`
    const theirs = `to-${bridge}`
    await runProgram('ip', ['link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs])
    await runProgram('ip', ['link', 'set', ours, 'master', bridge, 'up'])
    await runProgram('ip', ['link', 'set', theirs, 'netns', String(this.#holder.pid)])
    await this.run('ip', ['address', 'add', address, 'dev', theirs])
    await this.run('ip', ['link', 'set', theirs, 'up'])
    return theirs
  }

  /** Runs a program there to its end. Rejects with ProgramFailed. */
  run(program: string, values: readonly string[]): Promise<string> {
    return runProgram('nsenter', [...this.#entry(), program, ...values])
  }

  /** Starts a program there that stays until the rack ends, or it is stopped; what it says goes to a file. */
  start(command: readonly string[], logPath: string): { stop(): Promise<void> } {
    const program = spawn('nsenter', [...this.#entry(), ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
    const log = createWriteStream(logPath, { flags: 'a' })
    for (const output of [program.stdout, program.stderr]) output.pipe(log, { end: false })
    const ended = new Promise<void>((resolve) => {
      program.once('exit', (code, signal) => {
        log.end(`--- it ended with ${signal ?? code}\n`)
        resolve()
      })
    })
    return {
      stop: () => {
        program.kill('SIGKILL')
        return ended
      },
    }
  }

  #entry(): string[] {
    return ['--target', String(this.#holder.pid), '--net']
  }
}
