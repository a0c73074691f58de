import { formatHex } from '../bytes/hex.ts'
import { type Mac, macFromBytes } from '../bytes/mac.ts'
import type { Directory } from '../core/directory.ts'
import { classify } from './classify.ts'
import type { Request } from './decision.ts'
import type { Message } from './message.ts'
import { Option } from './option.ts'

const ethernet = 1

/**
 * Says who sent a message. An Ethernet client is its MAC, whatever its client identifier: boot ROM, iPXE, installer
 * and operating system of one machine send different ones. Undefined for a message that names nobody. Throws
 * DecodeError.
 */
export function identify(message: Message, source: Request['source'], directory: Directory): Request | undefined {
  const classification = classify(message)
  if (message.htype === ethernet && message.chaddr.length === 6) {
    const mac: Mac = macFromBytes(message.chaddr)
    const machine = directory.byMac(mac)
    return { message, classification, client: mac, mac, source, ...(machine && { machine }) }
  }
  const identifier = message.options.get(Option.clientIdentifier)
  if (!identifier || identifier.length === 0) return undefined
  return { message, classification, client: `id:${formatHex(identifier)}`, source }
}
