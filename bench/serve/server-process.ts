import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { PeerProgram } from '../peer-program.ts'

/** A server in a process of its own, whose use of processors can be read. */
export class ServerProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  /** `launcher` starts Node, as `ip netns exec` does. */
  static async bootwright(
    imageDirectory: string,
    { address = '127.0.0.1', launcher = [] }: { address?: string; launcher?: readonly string[] } = {},
  ): Promise<ServerProcess> {
    const [execPath = process.execPath, ...execArgv] = [...launcher, process.execPath]
    const program = new URL('./content-program.ts', import.meta.url)
    const child = fork(program, [imageDirectory, address], { execPath, execArgv })
    const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(startMs) })) as [number]
    return new ServerProcess(child, port)
  }

  /** One worker, which is what one core is for; the files below `root`/packs. */
  static async nginx({ program, libraryPath }: PeerProgram, root: string, work: string): Promise<ServerProcess> {
    const port = await freePort()
    await mkdir(work)
    const file = join(work, 'nginx.conf')
    await writeFile(file, nginxConfiguration(root, work, port))
    const child = spawn(program, ['-c', file, '-p', work, '-e', join(work, 'error.log')], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, LD_LIBRARY_PATH: libraryPath },
    })
    await untilListening(port, child)
    return new ServerProcess(child, port)
  }

  /** Of the process, its threads and its children, since they began. */
  async cpuSeconds(): Promise<number> {
    const ids = [this.#child.pid!, ...(await childrenOf(this.#child.pid!))]
    const seconds = await Promise.all(ids.map(cpuSecondsOf))
    return seconds.reduce((sum, each) => sum + each, 0)
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), startMs)
    await ended
    clearTimeout(killer)
  }
}

const startMs = 20_000
const ticksPerSecond = 100 // USER_HZ, which is 100 on every architecture of Debian

/** As nginx is set up to serve large files: sendfile, nothing logged, all connections of the benchmark at once. */
function nginxConfiguration(root: string, work: string, port: number): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${work}/${kind};`)
  return `daemon off; worker_processes 1; pid ${work}/nginx.pid; user root;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; ${paths.join(' ')}
  server { listen 127.0.0.1:${port}; root ${root}; } }
`
}

async function cpuSecondsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond // utime and stime, proc(5)
}

async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/children`, 'utf8')))
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startMs
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const [outcome] = await Promise.race([
      once(socket, 'connect').then(() => ['connected'] as const),
      once(socket, 'error').then(() => ['refused'] as const),
    ]).catch(() => ['refused'] as const)
    socket.destroy()
    if (outcome === 'connected') return
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('nginx did not begin to listen')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
