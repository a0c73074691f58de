import { formatHex } from '../bytes/hex.ts'
import { formatIpv4 } from '../bytes/ipv4.ts'
import { printable } from '../bytes/printable.ts'
import { classify } from './classify.ts'
import { withoutToken } from './dhcp-event.ts'
import type { Message } from './message.ts'
import { formatMessageType } from './message-type.ts'
import { Option } from './option.ts'
import { decodeIpv4, decodeText, decodeU8 } from './options.ts'

/** A message of anybody's in one sentence for people; safe to print. Throws DecodeError. */
export function describeMessage(message: Message): string {
  const type = formatMessageType(decodeU8(message.options, Option.messageType))
  const who = formatHex(message.chaddr, ':') || 'somebody without a hardware address'
  const relay = message.giaddr === 0 ? '' : ` by the relay ${formatIpv4(message.giaddr)}`
  if (message.op === 2) return `${type} to ${who}${relay}: ${describeReply(message)}`
  return `${type} from ${who}${relay}: ${describeClient(message)}${describeWish(message)}`
}

function describeClient(message: Message): string {
  const classification = classify(message)
  const { because } = classification
  if (classification.kind === 'firmware') {
    const { kind, architecture } = classification.firmware
    return `${kind} on ${architecture} (${because})`
  }
  const vendorClass = decodeText(message.options, Option.vendorClass)
  return vendorClass === undefined ? because : `${because}: "${printable(vendorClass)}"`
}

function describeWish({ options, ciaddr }: Message): string {
  const requested = decodeIpv4(options, Option.requestedAddress)
  const server = decodeIpv4(options, Option.serverIdentifier)
  const address = requested ?? (ciaddr === 0 ? undefined : ciaddr)
  const wish = address === undefined ? '' : `, for ${formatIpv4(address)}`
  return server === undefined ? wish : `${wish}, to the server ${formatIpv4(server)}`
}

function describeReply({ options, yiaddr, siaddr, file }: Message): string {
  const server = decodeIpv4(options, Option.serverIdentifier)
  const bootFile = decodeText(options, Option.bootFileName) || file
  const parts = [
    yiaddr === 0 ? 'no address' : `address ${formatIpv4(yiaddr)}`,
    bootFile === '' ? 'no boot file' : `boot file ${printable(withoutToken(bootFile))} of ${formatIpv4(siaddr)}`,
    ...(server === undefined ? [] : [`from the server ${formatIpv4(server)}`]),
    ...(options.has(Option.message) ? [`"${printable(decodeText(options, Option.message) ?? '')}"`] : []),
  ]
  return parts.join(', ')
}
