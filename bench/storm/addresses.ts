import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'

const bindDeadlineMs = 20_000

/** The machines' addresses, which are given to one interface as they are leased. */
export class Addresses implements AsyncDisposable {
  readonly #interface: string
  readonly #ip: ChildProcess

  constructor(interfaceName: string) {
    this.#interface = interfaceName
    this.#ip = spawn('ip', ['-force', '-batch', '-'], { stdio: ['pipe', 'ignore', 'ignore'] })
  }

  add(address: string): void {
    this.#ip.stdin!.write(`addr add ${address}/32 dev ${this.#interface}\n`)
  }

  /** A UDP socket at an address that was added, as soon as it is there. */
  async bind(address: string): Promise<Socket> {
    const deadline = Date.now() + bindDeadlineMs
    for (;;) {
      const socket = createSocket('udp4')
      try {
        socket.bind(0, address)
        await once(socket, 'listening')
        return socket
      } catch (error) {
        socket.close()
        if (Date.now() > deadline) throw error
        await wait(10)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#ip, 'exit')
    this.#ip.stdin!.end()
    await ended
  }
}
