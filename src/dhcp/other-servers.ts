import { formatIpv4, ipv4FromBytes } from '../bytes/ipv4.ts'
import type { DatagramSource } from './decision.ts'
import type { DhcpEvent } from './dhcp-event.ts'
import type { DhcpInterface } from './dhcp-site.ts'
import type { Message } from './message.ts'
import { formatMessageType } from './message-type.ts'
import { Option } from './option.ts'
import { readRelayInformation } from './relay.ts'

/** The same server is told again after so long. */
const tellAgainMs = 600_000
/** A flood of invented servers stops here. */
const rememberedServers = 64

/**
 * Finds other DHCP servers where this one is authoritative: two give the same machine different answers, and it boots
 * by chance. Known by their broadcast replies, and by requests of clients that chose them.
 */
export class OtherServers {
  readonly #link: DhcpInterface
  readonly #tell: (event: DhcpEvent) => void
  readonly #toldAt = new Map<string, number>()

  constructor(link: DhcpInterface, tell: (event: DhcpEvent) => void) {
    this.#link = link
    this.#tell = tell
  }

  look(message: Message, source: DatagramSource, now = Date.now()): void {
    if (this.#link.answers !== 'authoritative') return
    const identifier = message.options.get(Option.serverIdentifier)
    if (identifier?.length !== 4) return
    const address = ipv4FromBytes(identifier)
    if (address === this.#link.serverAddress || address === readRelayInformation(message).serverOverride) return
    // A proxyDHCP server gives no addresses: it may stand beside us.
    if (message.op === 2 && message.yiaddr === 0) return
    const type = formatMessageType(message.options.get(Option.messageType)?.[0])
    const server = formatIpv4(address)
    if (now - (this.#toldAt.get(server) ?? Number.NEGATIVE_INFINITY) < tellAgainMs) return
    if (this.#toldAt.size >= rememberedServers) return
    this.#toldAt.set(server, now)
    const how = message.op === 2 ? `it sent a ${type} from ${source.address}` : `a client's ${type} is for it`
    this.#tell({ kind: 'other-server', interface: this.#link.name, server, how })
  }
}
