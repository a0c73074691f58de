import type { Duplex } from 'node:stream'

/** QEMU refused a command, or did not answer. */
export class QmpError extends Error {
  override readonly name = 'QmpError'
  readonly command: string

  constructor(command: string, reason: string) {
    super(`QEMU did not do ${command}: ${reason}`)
    this.command = command
  }
}

type Answer = { return?: unknown; error?: { desc: string }; event?: string; id?: number }
type Pending = {
  command: string
  resolve: (value: unknown) => void
  reject: (error: Error) => void
  timer: NodeJS.Timeout
}

const answerTimeoutMs = 30_000

/** QEMU's machine protocol: one JSON object a line, over a socket we share with the QEMU process. */
export class Qmp {
  #socket: Duplex
  #pending = new Map<number, Pending>()
  #nextId = 1
  #partial = ''

  private constructor(socket: Duplex) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (piece: string) => this.#read(piece))
    socket.on('error', () => this.#end())
    socket.on('close', () => this.#end())
  }

  /** Rejects with QmpError when QEMU does not speak in time. */
  static async open(socket: Duplex): Promise<Qmp> {
    const qmp = new Qmp(socket)
    // QEMU reads commands from its start; the greeting it sends first carries nothing we need
    await qmp.execute('qmp_capabilities')
    return qmp
  }

  /** Rejects with QmpError. */
  execute(command: string, values: Record<string, unknown> = {}): Promise<unknown> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id)
        reject(new QmpError(command, `no answer within ${answerTimeoutMs / 1000} s`))
      }, answerTimeoutMs)
      this.#pending.set(id, { command, resolve, reject, timer })
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: values, id })}\n`)
    })
  }

  #read(piece: string): void {
    const lines = (this.#partial + piece).split('\n')
    this.#partial = lines.pop() ?? ''
    for (const line of lines) if (line.trim()) this.#answer(JSON.parse(line) as Answer)
  }

  #answer(answer: Answer): void {
    const pending = answer.id === undefined ? undefined : this.#pending.get(answer.id)
    if (!pending || answer.id === undefined) return
    this.#pending.delete(answer.id)
    clearTimeout(pending.timer)
    if (answer.error) pending.reject(new QmpError(pending.command, answer.error.desc))
    else pending.resolve(answer.return)
  }

  #end(): void {
    for (const { command, reject, timer } of this.#pending.values()) {
      clearTimeout(timer)
      reject(new QmpError(command, 'it ended'))
    }
    this.#pending.clear()
  }
}
