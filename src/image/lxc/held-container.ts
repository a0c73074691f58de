import { type ChildProcess, spawn } from 'node:child_process'
import { runProgram } from '../../programs/run-program.ts'
import type { LxcContainer } from './lxc-container.ts'

const holds = {
  freeze: { start: ['lxc-freeze'], end: ['lxc-unfreeze'] },
  stop: { start: ['lxc-stop', '-t', '60'], end: ['lxc-start', '-d'] },
} as const
export type Hold = keyof typeof holds

const endTimeoutMs = 60_000

/** A container that could not be let go: it does not run, and somebody has to see to it. */
export class ContainerStuck extends Error {
  override readonly name = 'ContainerStuck'
  readonly container: string

  constructor(container: string, command: string, said: string) {
    super(`Cannot let container ${container} go on: ${command} ${said}; run it by hand`)
    this.container = container
  }
}

/**
 * A container that is frozen or stopped as long as this lives. A process of its own lets it go on when this one closes a
 * pipe, which the kernel does even where this one is killed.
 */
export class HeldContainer {
  readonly #container: LxcContainer
  readonly #command: readonly string[]
  readonly #guard: ChildProcess
  readonly #ended: Promise<string | undefined>

  private constructor(container: LxcContainer, hold: Hold) {
    const [program, ...args] = holds[hold].end
    this.#container = container
    this.#command = [program, '-P', container.lxcPath, '-n', container.name, ...args]
    const script = 'cat > /dev/null; exec "$@"'
    // Detached: Ctrl-C at a terminal goes to the whole group.
    this.#guard = spawn('sh', ['-c', script, 'sh', ...this.#command], {
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    })
    this.#ended = endOf(this.#guard)
  }

  /** Throws ProgramFailed. */
  static async take(container: LxcContainer, hold: Hold): Promise<HeldContainer> {
    const held = new HeldContainer(container, hold)
    const [program, ...args] = holds[hold].start
    try {
      await runProgram(program, ['-P', container.lxcPath, '-n', container.name, ...args])
    } catch (error) {
      await held[Symbol.asyncDispose]().catch(() => undefined) // what it says is that it was not held
      throw error
    }
    return held
  }

  /** Throws ContainerStuck. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#guard.stdin?.end()
    const timer = setTimeout(() => this.#guard.kill('SIGKILL'), endTimeoutMs)
    const said = await this.#ended
    clearTimeout(timer)
    if (said !== undefined) throw new ContainerStuck(this.#container.name, `"${this.#command.join(' ')}"`, said)
  }
}

/** What went wrong; undefined where it ended well. */
function endOf(child: ChildProcess): Promise<string | undefined> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4096)
  })
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`could not start (${error.message})`))
    // Not 'close': a container that was started keeps the pipe.
    child.on('exit', (code, signal) => {
      child.stderr?.destroy()
      resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}: ${stderr.trim()}`)
    })
  })
}
