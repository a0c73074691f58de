import { connect, type Socket } from 'node:net'
import { GaveUp } from './gave-up.ts'

const idleMs = 120_000

/** All connections read into the same memory: what is read is looked at, or counted, before the next is read. */
const shared = Buffer.allocUnsafeSlow(512 * 1024)

export type Answer = { status: number; text: string; bodyBytes: number }

type Pending = {
  keepsBody: boolean
  head: string
  status: number
  /** Of the body, still to come; undefined before the head is whole. */
  left: number | undefined
  bodyBytes: number
  parts: Buffer[]
  resolve: (answer: Answer) => void
  reject: (error: Error) => void
}

/** One kept connection of one machine, from its own address. A body that nobody wants costs a copy out of the kernel. */
export class HttpConnection {
  readonly #socket: Socket
  readonly #host: string
  #pending: Pending | undefined
  #broken: Error | undefined

  constructor(origin: URL, localAddress: string) {
    this.#host = origin.host
    this.#socket = connect({
      ...{ host: origin.hostname, port: Number(origin.port), localAddress },
      onread: { buffer: shared, callback: (size, buffer) => this.#read(buffer as Buffer, size) },
    })
    this.#socket.setTimeout(idleMs, () => this.#socket.destroy(new Error(`nothing came for ${idleMs / 1000} s`)))
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')))
  }

  /** Rejects with GaveUp. */
  request(method: string, path: string, body?: unknown, bearer?: string, keepsBody = true): Promise<Answer> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const lines = [
      ...[`${method} ${path} HTTP/1.1`, `Host: ${this.#host}`],
      ...(bearer === undefined ? [] : [`Authorization: Bearer ${bearer}`]),
      ...(text === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`]),
    ]
    return new Promise((resolve, reject) => {
      const refuse = (error: Error) => reject(new GaveUp(`${method} ${path.split('?')[0]}: ${error.message}`))
      if (this.#broken) return refuse(this.#broken)
      const empty = { head: '', status: 0, left: undefined, bodyBytes: 0, parts: [] }
      this.#pending = { keepsBody, ...empty, resolve, reject: refuse }
      this.#socket.write(`${lines.join('\r\n')}\r\n\r\n${text}`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(buffer: Buffer, size: number): boolean {
    const pending = this.#pending
    if (!pending) return true
    let start = 0
    if (pending.left === undefined) {
      start = readHead(pending, buffer, size)
      if (pending.left === undefined) return true
    }
    const bytes = Math.min(size - start, pending.left)
    if (pending.keepsBody && bytes > 0) pending.parts.push(Buffer.from(buffer.subarray(start, start + bytes)))
    pending.left -= bytes
    pending.bodyBytes += bytes
    if (pending.left === 0) {
      this.#pending = undefined
      const { status, bodyBytes, parts } = pending
      pending.resolve({ status, bodyBytes, text: Buffer.concat(parts).toString() })
    }
    return true
  }

  #fail(error: Error): void {
    this.#broken ??= error
    this.#pending?.reject(error)
    this.#pending = undefined
  }
}

/** How much of the buffer belongs to the head. */
function readHead(pending: Pending, buffer: Buffer, size: number): number {
  const before = pending.head.length
  pending.head += buffer.toString('latin1', 0, Math.min(size, 16_384))
  const end = pending.head.indexOf('\r\n\r\n')
  if (end < 0) return size
  pending.status = Number(pending.head.slice(9, 12))
  pending.left = Number(/^content-length: *(\d+)/im.exec(pending.head.slice(0, end))?.[1] ?? 0)
  return end + 4 - before
}
