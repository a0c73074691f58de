import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { rackNetwork } from './switch.ts'

/** The service did not start, or ended by itself. */
export class ServiceStopped extends Error {
  override readonly name = 'ServiceStopped'
}

export type ServiceOptions = {
  /** Where the service's state, socket and log are. */
  directory: string
  imagesDirectory: string
  keysDirectory: string
  ramdiskDirectory: string
  /** A listening socket for the management plane, made outside the rack. */
  managementFd?: number
  /** Further options of `bootwright serve`. */
  options?: readonly string[]
  /** The text of a site file; without it, the rack's interface is served. */
  siteFile?: string
}

const launcher = join(import.meta.dirname, '../../bin/bootwright')
const startTimeoutMs = 60_000
const stopTimeoutMs = 15_000
const retryMs = 50
const lastWordsLength = 4000

/** The real service, as a process of its own, so that it can be killed like one. */
export class Service implements AsyncDisposable {
  readonly socketPath: string
  readonly logPath: string
  #options: ServiceOptions
  #process: ChildProcess | undefined
  #lastWords = ''

  constructor(options: ServiceOptions) {
    this.#options = options
    this.socketPath = join(options.directory, 'bootwright.sock')
    this.logPath = join(options.directory, 'service.log')
  }

  /** Its state, as `--data` names it. */
  get directory(): string {
    return this.#options.directory
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  /** Resolves when the service answers on its socket. Rejects with ServiceStopped. */
  async start(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true })
    const { managementFd, siteFile } = this.#options
    if (siteFile !== undefined) await writeFile(this.#siteFilePath, siteFile)
    const passed = managementFd === undefined ? [] : [managementFd]
    const service = spawn(launcher, this.#arguments(), { stdio: ['ignore', 'pipe', 'pipe', ...passed] })
    const log = createWriteStream(this.logPath, { flags: 'a' })
    for (const output of [service.stdout, service.stderr]) {
      output?.pipe(log, { end: false })
      output?.on('data', (piece: Buffer) => {
        this.#lastWords = (this.#lastWords + piece.toString('utf8')).slice(-lastWordsLength)
      })
    }
    this.#process = service
    service.once('exit', () => {
      this.#process = undefined
      log.end()
    })
    await this.#answers()
  }

  /** Stops it and starts it with these options in place of those it had. */
  async restartWith(changes: Partial<ServiceOptions>): Promise<void> {
    await this.stop()
    this.#options = { ...this.#options, ...changes }
    await this.start()
  }

  /** Ends it as a crash would: no handler of its own runs. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Rejects with ServiceStopped as soon as the service is gone without having been stopped. */
  assertRunning(): void {
    if (!this.#process) throw new ServiceStopped(`The service has ended. Its last words:\n${this.#lastWords.trim()}`)
  }

  get #siteFilePath(): string {
    return join(this.#options.directory, 'site.yaml')
  }

  #arguments(): string[] {
    const { directory, imagesDirectory, keysDirectory, ramdiskDirectory, managementFd, options = [] } = this.#options
    const site =
      this.#options.siteFile === undefined ? ['--interface', rackNetwork.bridge] : ['--config', this.#siteFilePath]
    return [
      ...['serve', ...site, '--data', directory, '--images', imagesDirectory],
      ...['--keys', keysDirectory, '--ramdisk', ramdiskDirectory],
      ...(managementFd === undefined ? [] : ['--management-fd', '3']),
      ...options,
    ]
  }

  async #answers(): Promise<void> {
    const deadline = performance.now() + startTimeoutMs
    while (!(await connects(this.socketPath))) {
      this.assertRunning()
      if (performance.now() > deadline) {
        throw new ServiceStopped(
          `The service did not answer on ${this.socketPath} within ${startTimeoutMs / 1000} s. Its last words:\n${this.#lastWords}`,
        )
      }
      await wait(retryMs)
    }
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const service = this.#process
    if (!service) return
    service.kill(signal)
    const timer = setTimeout(() => service.kill('SIGKILL'), stopTimeoutMs)
    await once(service, 'exit')
    clearTimeout(timer)
  }
}

function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
