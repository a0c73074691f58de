import type { Ipv4 } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import { openPacketFd, receiveFrame, sendFrame } from '../linux/packet-socket.ts'
import { closeFd } from '../linux/socket.ts'
import { arpFrameBytes, decodeArpSender, encodeArpProbe, etherTypeArp } from './arp.ts'
import { interfaceAddress } from './interfaces.ts'

const pollMs = 10
/** Of what lies in the socket's buffer, so that a flood on the link does not hold the event loop. */
const mostFramesAtOnce = 1024

type Probe = { deadline: number } & PromiseWithResolvers<Mac | undefined>

/**
 * Who answers for addresses on an interface's own link, any number of them at once, by ARP requests of our own. Not by the
 * kernel's: what waits for its answer is charged to the sending socket, for three seconds where nobody answers, and 256
 * datagrams fill it.
 */
export class ArpProbes {
  readonly #interface: string
  readonly #probes = new Map<Ipv4, Probe>()
  readonly #frame = Buffer.alloc(arpFrameBytes)
  /** There is one while something is asked: otherwise the link's ARP traffic does not concern us. */
  #listening: { fd: number; mac: Mac; timer: NodeJS.Timeout } | undefined

  constructor(interfaceName: string) {
    this.#interface = interfaceName
  }

  /** Undefined when nobody answers in time. Needs CAP_NET_RAW. Rejects with LinuxError. */
  async findOwner(address: Ipv4, timeoutMs: number): Promise<Mac | undefined> {
    const asked = this.#probes.get(address)
    if (asked) return asked.promise
    this.#listening ??= this.#listen()
    const { fd, mac } = this.#listening
    sendFrame(fd, encodeArpProbe(mac, address))
    const probe = { deadline: performance.now() + timeoutMs, ...Promise.withResolvers<Mac | undefined>() }
    this.#probes.set(address, probe)
    return probe.promise
  }

  #listen() {
    const { mac } = interfaceAddress(this.#interface)
    const fd = openPacketFd(this.#interface, etherTypeArp, [])
    return { fd, mac, timer: setInterval(() => this.#look(fd), pollMs) }
  }

  /** What has come counts before the clock does. */
  #look(fd: number): void {
    try {
      for (let count = 0; count < mostFramesAtOnce; count++) {
        const length = receiveFrame(fd, this.#frame)
        if (length === undefined) break
        this.#hear(this.#frame.subarray(0, length))
      }
    } catch (error) {
      for (const { reject } of this.#probes.values()) reject(error)
      this.#probes.clear()
    }
    const now = performance.now()
    for (const [address, { deadline }] of this.#probes) if (deadline <= now) this.#end(address, undefined)
    if (this.#probes.size === 0) this.#stop()
  }

  /** RFC 5227 §2.1.1: whoever speaks of an address as its own uses it, whatever it says. */
  #hear(frame: Uint8Array): void {
    const sender = decodeArpSender(frame)
    if (sender) this.#end(sender.address, sender.mac)
  }

  #end(address: Ipv4, owner: Mac | undefined): void {
    this.#probes.get(address)?.resolve(owner)
    this.#probes.delete(address)
  }

  #stop(): void {
    if (!this.#listening) return
    clearInterval(this.#listening.timer)
    closeFd(this.#listening.fd)
    this.#listening = undefined
  }
}
