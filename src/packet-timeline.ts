import type { Logger } from 'pino'
import type { Machines } from './deploy/machines.ts'
import type { StateChanges } from './deploy/state-changes.ts'
import type { DhcpEvent } from './dhcp/dhcp-event.ts'
import type { TftpEvent } from './tftp/tftp-event.ts'

export type PacketEvent = { kind: 'dhcp'; event: DhcpEvent } | { kind: 'tftp'; event: TftpEvent }

export type OtherServer = { interface: string; server: string; how: string }

/** Addresses that packets came from, so that a TFTP transfer can be told to its machine. */
const rememberedAddresses = 65_536

/**
 * Puts what the packet servers did into the timelines: every answer to firmware with its reason, every boot file that
 * was fetched. Events are told one after the other, so that they stand in the order in which they happened.
 */
export class PacketTimeline {
  readonly #state: StateChanges
  readonly #machines: Machines
  readonly #log: Logger
  readonly #machineByAddress = new Map<string, string>()
  readonly #otherServers = new Map<string, OtherServer>()
  #last: Promise<void> = Promise.resolve()

  constructor(parts: { state: StateChanges; machines: Machines; log: Logger }) {
    this.#state = parts.state
    this.#machines = parts.machines
    this.#log = parts.log
  }

  tell(packet: PacketEvent): void {
    this.#last = this.#last
      .then(() => (packet.kind === 'dhcp' ? this.#tellDhcp(packet.event) : this.#tellTftp(packet.event)))
      .catch((error) => this.#log.error({ err: error }, 'an event could not be recorded'))
  }

  /** Other DHCP servers that answered where this one is authoritative, for `bootwright status`. */
  get otherServers(): readonly OtherServer[] {
    return [...this.#otherServers.values()]
  }

  async #tellDhcp(event: DhcpEvent): Promise<void> {
    switch (event.kind) {
      case 'malformed':
        return this.#log.debug(event, 'malformed DHCP packet')
      case 'untold':
        return this.#log.warn(event, 'DHCP packets come faster than the timeline takes them; they are answered')
      case 'other-server':
        return this.#tellOtherServer(event)
      default:
        return this.#tellAnswer(event)
    }
  }

  async #tellOtherServer({ interface: name, server, how }: OtherServer): Promise<void> {
    this.#otherServers.set(`${name} ${server}`, { interface: name, server, how })
    const message = `another DHCP server, ${server}, answers on ${name}, where this one is authoritative: ${how}. Machines boot by chance until one of them is stopped, or ${name} is set to proxy`
    this.#log.warn({ interface: name, server }, message)
    await this.#state.commit((change) => change.tell({ kind: 'server', message, data: { interface: name, server } }))
  }

  async #tellAnswer(event: Extract<DhcpEvent, { client: string }>): Promise<void> {
    this.#log[event.kind === 'failed' ? 'error' : 'debug'](event, 'dhcp')
    if (event.kind === 'ignore' || event.mac === undefined) return
    const machine = await this.#machines.noticed(event.mac, `it sent a DHCP ${event.messageType}`)
    if (!machine) return
    if (event.kind === 'failed') {
      return this.#record(machine.id, 'dhcp', `${event.messageType} not answered: ${event.reason}`, { xid: event.xid })
    }
    if (event.address !== undefined && !event.isSilent) this.#remember(event.address, machine.id)
    // A running system renews its lease all day; the timeline is about booting.
    if (!event.firmware && event.replyType !== 'NAK') return
    const { replyType, because, address, bootFile, firmware, xid, isSilent = false } = event
    const message = isSilent ? `not answered, as the interface is only listened to; would have ${because}` : because
    await this.#record(machine.id, 'dhcp', message, { replyType, address, bootFile, firmware, xid, isSilent })
  }

  async #tellTftp(event: TftpEvent): Promise<void> {
    this.#log.debug(event, 'tftp')
    const machineId = this.#machineByAddress.get(event.remoteAddress)
    if (!machineId || event.kind === 'ignored') return
    await this.#record(machineId, 'tftp', describeTransfer(event), { path: event.path })
  }

  async #record(machineId: string, kind: 'dhcp' | 'tftp', message: string, data: Record<string, unknown>) {
    await this.#state.commit((change) => change.tell({ machineId, kind, message, data }))
  }

  #remember(address: string, machineId: string): void {
    if (this.#machineByAddress.size >= rememberedAddresses) this.#machineByAddress.clear()
    this.#machineByAddress.set(address, machineId)
  }
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
