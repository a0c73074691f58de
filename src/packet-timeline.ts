import type { Logger } from 'pino'
import { noticeMachine } from './deploy/notice-machine.ts'
import type { Change, StateChanges } from './deploy/state-changes.ts'
import type { DhcpEvent } from './dhcp/dhcp-event.ts'
import type { TftpEvent } from './tftp/tftp-event.ts'

export type PacketEvent = { kind: 'dhcp'; event: DhcpEvent } | { kind: 'tftp'; event: TftpEvent }

export type OtherServer = { interface: string; server: string; how: string }

/** Addresses that packets came from, so that a TFTP transfer can be told to its machine. */
const rememberedAddresses = 65_536
/** Written in one commit. */
const mostTogether = 64

/**
 * Puts what the packet servers did into the timelines: every answer to firmware with its reason, every boot file that
 * was fetched. Events are told one after the other, so that they stand in the order in which they happened.
 */
export class PacketTimeline {
  readonly #state: StateChanges
  readonly #log: Logger
  readonly #machineByAddress = new Map<string, string>()
  readonly #otherServers = new Map<string, OtherServer>()
  readonly #untold: PacketEvent[] = []
  #isTelling = false

  constructor(parts: { state: StateChanges; log: Logger }) {
    this.#state = parts.state
    this.#log = parts.log
  }

  tell(packet: PacketEvent): void {
    this.#untold.push(packet)
    if (!this.#isTelling) void this.#tellAll()
  }

  /** Other DHCP servers that answered where this one is authoritative, for `bootwright status`. */
  get otherServers(): readonly OtherServer[] {
    return [...this.#otherServers.values()]
  }

  /** What came while the last were written is written together. */
  async #tellAll(): Promise<void> {
    this.#isTelling = true
    while (this.#untold.length > 0) {
      const packets = this.#untold.splice(0, mostTogether)
      await this.#state
        .commit(async (change) => {
          for (const packet of packets) await this.#tellOne(change, packet)
        })
        .catch((error) => this.#log.error({ err: error }, 'events could not be recorded'))
    }
    this.#isTelling = false
  }

  #tellOne(change: Change, packet: PacketEvent): Promise<void> {
    return packet.kind === 'dhcp' ? this.#tellDhcp(change, packet.event) : this.#tellTftp(change, packet.event)
  }

  async #tellDhcp(change: Change, event: DhcpEvent): Promise<void> {
    switch (event.kind) {
      case 'malformed':
        return this.#log.debug(event, 'malformed DHCP packet')
      case 'untold':
        return this.#log.warn(event, 'DHCP packets come faster than the timeline takes them; they are answered')
      case 'other-server':
        return this.#tellOtherServer(change, event)
      default:
        return this.#tellAnswer(change, event)
    }
  }

  async #tellOtherServer(change: Change, { interface: name, server, how }: OtherServer): Promise<void> {
    this.#otherServers.set(`${name} ${server}`, { interface: name, server, how })
    const message = `another DHCP server, ${server}, answers on ${name}, where this one is authoritative: ${how}. Machines boot by chance until one of them is stopped, or ${name} is set to proxy`
    this.#log.warn({ interface: name, server }, message)
    await change.tell({ kind: 'server', message, data: { interface: name, server } })
  }

  async #tellAnswer(change: Change, event: Extract<DhcpEvent, { client: string }>): Promise<void> {
    this.#log[event.kind === 'failed' ? 'error' : 'debug'](event, 'dhcp')
    if (event.kind === 'ignore' || event.mac === undefined) return
    const machine = await noticeMachine(change, event.mac, `it sent a DHCP ${event.messageType}`)
    if (!machine) return
    if (event.kind === 'failed') {
      return record(change, machine.id, 'dhcp', `${event.messageType} not answered: ${event.reason}`, {
        xid: event.xid,
      })
    }
    if (event.address !== undefined && !event.isSilent) this.#remember(event.address, machine.id)
    // A running system renews its lease all day; the timeline is about booting.
    if (!event.firmware && event.replyType !== 'NAK') return
    const { replyType, because, address, bootFile, firmware, xid, isSilent = false } = event
    const message = isSilent ? `not answered, as the interface is only listened to; would have ${because}` : because
    await record(change, machine.id, 'dhcp', message, { replyType, address, bootFile, firmware, xid, isSilent })
  }

  async #tellTftp(change: Change, event: TftpEvent): Promise<void> {
    this.#log.debug(event, 'tftp')
    const machineId = this.#machineByAddress.get(event.remoteAddress)
    if (!machineId || event.kind === 'ignored') return
    await record(change, machineId, 'tftp', describeTransfer(event), { path: event.path })
  }

  #remember(address: string, machineId: string): void {
    if (this.#machineByAddress.size >= rememberedAddresses) this.#machineByAddress.clear()
    this.#machineByAddress.set(address, machineId)
  }
}

async function record(
  change: Change,
  machineId: string,
  kind: 'dhcp' | 'tftp',
  message: string,
  data: Record<string, unknown>,
): Promise<void> {
  await change.tell({ machineId, kind, message, data })
}

function describeTransfer(event: Exclude<TftpEvent, { kind: 'ignored' }>): string {
  const seconds = `${(event.durationMs / 1000).toFixed(1)} s`
  switch (event.kind) {
    case 'missing':
      return `${event.path}: not there (${event.reason})`
    case 'refused':
      return `${event.path}: refused (${event.reason})`
    case 'declined':
      return `${event.path}: asked for its size`
    case 'sent':
      return `${event.path}: ${(event.bytes / 1000).toFixed(0)} kB in ${seconds}`
    default:
      return `${event.path}: ${event.kind} after ${event.bytes} bytes, ${seconds} (${event.reason})`
  }
}
