import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import { chooseBootFile } from './choose-boot-file.ts'
import { type DecideContext, type Decision, ignore, type Request } from './decision.ts'
import { formatMessageType, MessageType } from './message-type.ts'
import { Option } from './option.ts'
import { decodeText, decodeU8 } from './options.ts'
import { makeBootOffer } from './reply.ts'

const noAddress = 0 as Ipv4

/**
 * proxyDHCP (PXE 2.1 §2.2): addresses are another server's affair, which boot file is ours. On port 67 only a DISCOVER
 * of boot firmware is answered; on port 4011, to which firmware turns with the address it was given, its REQUEST.
 */
export function decideProxy(request: Request, context: DecideContext): Decision {
  const { message, source } = request
  const type = decodeU8(message.options, Option.messageType)
  const isBootServer = source.localPort === 4011
  const expected = isBootServer ? MessageType.request : MessageType.discover
  if (type !== expected) {
    const where = isBootServer ? 'on port 4011' : 'beside another DHCP server'
    return ignore(`a ${formatMessageType(type)} is not answered ${where}`)
  }
  const vendorClass = decodeText(message.options, Option.vendorClass) ?? ''
  if (!/^(PXEClient|HTTPClient)/.test(vendorClass)) {
    return ignore('it asks for an address only, which another server gives')
  }
  if (!isBootServer && !message.options.has(Option.clientArchitecture)) {
    return ignore('it does not say its architecture (option 93), so it is left to the other server')
  }
  const boot = chooseBootFile(request, context, isBootServer ? message.ciaddr : noAddress)
  if (boot.bootFile === undefined) return ignore(`no boot file because ${boot.because}`)
  const reply = makeBootOffer(request, context, isBootServer ? MessageType.ack : MessageType.offer, boot)
  const told = isBootServer ? `told ${formatIpv4(message.ciaddr)} to boot` : 'proposed'
  return { ...reply, because: `${told} ${boot.shown} because ${boot.because}` }
}
