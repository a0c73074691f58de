import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readlink } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type ProgramResult = { code: number; stdout: string; stderr: string }

/** A network namespace that lives as long as its holder process, which dies with the test's. */
export class Network {
  readonly holder: ChildProcess
  readonly interface: string
  readonly address: string

  constructor(holder: ChildProcess, name: string, address: string) {
    this.holder = holder
    this.interface = name
    this.address = address
  }

  /** A program inside, to be started by the caller; it dies with the test. */
  command(program: string, ...values: string[]): [string, string[]] {
    const enter = ['--pdeathsig', 'KILL', 'nsenter', '-t', String(this.holder.pid), '-n', program, ...values]
    return ['setpriv', enter]
  }

  /** Runs a program inside to its end; `timeoutMs` ends it. */
  async run(
    program: string,
    values: string[],
    options: { cwd?: string; timeoutMs?: number } = {},
  ): Promise<ProgramResult> {
    const [file, list] = this.command(program, ...values)
    const { timeoutMs = 30_000, ...rest } = options
    try {
      return { code: 0, ...(await run(file, list, { timeout: timeoutMs, killSignal: 'SIGKILL', ...rest })) }
    } catch (error) {
      const { code, stdout = '', stderr = '', killed } = error as ProgramResult & { killed?: boolean }
      if (killed) throw new Error(`${program} ${values.join(' ')} did not end in ${timeoutMs} ms: ${stderr}`)
      if (typeof code !== 'number') throw error
      return { code, stdout, stderr }
    }
  }
}

/**
 * Two networks joined by one virtual cable, 10.99.0.1 and 10.99.0.2, that nothing else reaches. Undefined when the test
 * was skipped, because this process is not root.
 */
export async function openNetworkPair(t: TestContext): Promise<{ server: Network; client: Network } | undefined> {
  if (process.getuid?.() !== 0) {
    const reason = 'network namespaces need root here'
    if (process.env.REQUIRE_INTEROP === '1') assert.fail(reason)
    t.skip(reason)
    return undefined
  }
  const server = new Network(await holdNetwork(t), 'bw-server', '10.99.0.1')
  const client = new Network(await holdNetwork(t), 'bw-client', '10.99.0.2')
  await server.run('ip', ['link', 'add', server.interface, 'type', 'veth', 'peer', 'name', client.interface])
  await server.run('ip', ['link', 'set', client.interface, 'netns', String(client.holder.pid)])
  for (const network of [server, client]) {
    await network.run('ip', ['link', 'set', 'lo', 'up'])
    await network.run('ip', ['addr', 'add', `${network.address}/24`, 'dev', network.interface])
    const { code, stderr } = await network.run('ip', ['link', 'set', network.interface, 'up'])
    assert.equal(code, 0, stderr)
  }
  return { server, client }
}

/** A network namespace of its own; its holder dies with the test. */
export async function holdNetwork(t: TestContext): Promise<ChildProcess> {
  const holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', 'sleep', 'infinity'], { stdio: 'ignore' })
  t.after(async () => {
    holder.kill('SIGKILL')
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit')
  })
  const ours = await readlink('/proc/self/ns/net')
  const deadlineAt = Date.now() + 5000
  while ((await readlink(`/proc/${holder.pid}/ns/net`)) === ours) {
    assert.ok(Date.now() < deadlineAt, 'unshare made no network in 5 s')
    await wait(5)
  }
  return holder
}
