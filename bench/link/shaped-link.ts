import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const runProgram = promisify(execFile)
const timeoutMs = 20_000

export type LinkEnd = { address: string; launcher: readonly string[] }

/**
 * Two network namespaces with a link between them that carries so many bits a second each way, frames and all, and nothing
 * else. Needs root.
 */
export class ShapedLink implements AsyncDisposable {
  readonly server: LinkEnd
  readonly agent: LinkEnd
  readonly #names: readonly [string, string]

  private constructor(names: readonly [string, string]) {
    this.#names = names
    this.server = { address: '10.78.0.1', launcher: launcherInto(names[0]) }
    this.agent = { address: '10.78.0.2', launcher: launcherInto(names[1]) }
  }

  static async make(bitsPerSecond: number): Promise<ShapedLink> {
    if (process.geteuid?.() !== 0) throw new Error('Cannot make network namespaces: run the benchmark as root')
    const names = [`bw-link-${process.pid}-s`, `bw-link-${process.pid}-a`] as const
    const link = new ShapedLink(names)
    try {
      for (const name of names) await ip('netns', 'add', name)
      await ip(
        'link',
        'add',
        'name',
        'end',
        'netns',
        names[0],
        'type',
        'veth',
        'peer',
        'name',
        'end',
        'netns',
        names[1],
      )
      for (const [at, name] of names.entries()) {
        const { address } = at === 0 ? link.server : link.agent
        await ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'end')
        await ip('-n', name, 'link', 'set', 'end', 'up')
        await shape(name, bitsPerSecond)
      }
      return link
    } catch (error) {
      await link[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The link goes with its namespaces.
    for (const name of this.#names) await ip('netns', 'delete', name).catch(() => undefined)
  }
}

/** A queue of a tenth of a second, as a switch may have it; a burst that the kernel's timer can keep the rate with. */
async function shape(namespace: string, bitsPerSecond: number): Promise<void> {
  const queue = ['tbf', 'rate', `${bitsPerSecond}bit`, 'burst', '256kb', 'latency', '100ms']
  await runProgram('tc', ['-n', namespace, 'qdisc', 'add', 'dev', 'end', 'root', ...queue], { timeout: timeoutMs })
}

function launcherInto(namespace: string): string[] {
  return ['ip', 'netns', 'exec', namespace]
}

async function ip(...args: string[]): Promise<void> {
  await runProgram('ip', args, { timeout: timeoutMs })
}
