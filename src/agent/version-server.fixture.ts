import { open, readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { deltaFile, packFile, renditionFile, type VersionFileName, versionFile } from '../image/repository-layout.ts'

/** What a test wants to happen to a request instead of, or before, the plain answer. True when it answered itself. */
export type Interference = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>

/** A repository over loopback HTTP for the tests of the writer, which may spoil any answer. Listens on a port of its own. */
export class VersionServer {
  /** May be changed at any time. */
  interfere: Interference = () => false
  requests: string[] = []
  port = 0
  readonly #directory: string
  readonly #sockets = new Set<Socket>()
  #server = createServer()

  constructor(directory: string) {
    this.#directory = directory
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Listens, again at the same port after stop(). */
  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error) => {
        if (error.code === 'ENOENT') response.writeHead(404).end()
        else response.destroy()
      })
    })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
    return this
  }

  /** As if the process were killed: nobody listens, every connection is gone. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? ''
    this.requests.push(`${url} ${request.headers.range ?? ''}`.trim())
    if (await this.interfere(request, response)) return
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (start === undefined) {
      response.end(await readFile(this.#fileOf(url)))
      return
    }
    const bytes = await readPart(this.#fileOf(url), Number(start), Number(end) + 1 - Number(start))
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/*`, 'content-length': bytes.length }).end(bytes)
  }

  readPack(id: string, start: number, length: number): Promise<Buffer> {
    return readPart(packFile(this.#directory, id), start, length)
  }

  #fileOf(url: string): string {
    const [, kind = '', id = '', name = '', of = '', file = ''] = url.split('/')
    if (kind !== 'images') return packFile(this.#directory, id)
    if (name === 'renditions') return renditionFile(this.#directory, id, of, file as VersionFileName)
    if (name !== 'deltas') return versionFile(this.#directory, id, name as VersionFileName)
    return deltaFile(this.#directory, { version: id, name: 'tree', parent: of }, file === 'index' ? 'index' : 'data')
  }
}

async function readPart(file: string, start: number, length: number): Promise<Buffer> {
  await using handle = await open(file, 'r')
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await handle.read(bytes, 0, length, start)
  return bytes.subarray(0, bytesRead)
}
