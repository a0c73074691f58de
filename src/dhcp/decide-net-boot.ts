import type { DecideContext, Decision, Request } from './decision.ts'
import { ignore } from './decision.ts'
import { MessageType } from './message-type.ts'
import { type NetBoot, type NetBootClient, netBootClientOf, netBootImagesFor } from './net-boot.ts'
import {
  decodeNetBootMessage,
  encodeFailed,
  encodeImageList,
  encodeSelected,
  type NetBootMessage,
  NetBootMessageType,
} from './net-boot-message.ts'
import { Option } from './option.ts'
import { decodeU8 } from './options.ts'
import { makeNetBootAck, type NetBootAnswer } from './reply.ts'

/** Versions that Macs speak. */
const versions: readonly number[] = [0x0100, 0x0101]
const clientPort = 68
const firstUnprivilegedPort = 1024

/** What a Mac asks in an INFORM (BSDP): undefined for every other message. Throws DecodeError. */
export function decideNetBoot(request: Request, context: DecideContext): Decision | undefined {
  const { netBoot } = context.rules
  const { options, ciaddr } = request.message
  if (!netBoot || decodeU8(options, Option.messageType) !== MessageType.inform) return undefined
  const client = netBootClientOf(request)
  const field = options.get(Option.vendorSpecific)
  if (!client || !field) return undefined
  const asked = decodeNetBootMessage(field)
  const { version, replyPort = clientPort } = asked
  if (version !== undefined && !versions.includes(version))
    return ignore(`BSDP ${version.toString(16)} is not spoken here`)
  if (ciaddr === 0) return ignore('a NetBoot question without the address to answer to')
  if (replyPort === 0 || replyPort >= firstUnprivilegedPort)
    return ignore(`BSDP answers go to ports below 1024, not ${replyPort}`)
  const answer = answerTo(asked, client, netBoot, context)
  if (typeof answer === 'string') return ignore(answer)
  return makeNetBootAck(request, context, answer, replyPort)
}

function answerTo(
  asked: NetBootMessage,
  client: NetBootClient,
  netBoot: NetBoot,
  { ownAddresses }: DecideContext,
): NetBootAnswer | string {
  const images = netBootImagesFor(netBoot, client)
  const [first] = images
  const who = `${client.model || 'a Mac'} (${client.architecture})`
  if (!first) return `no NetBoot image is for ${who}`
  if (asked.type === NetBootMessageType.list) {
    const names = images.map(({ name }) => name).join(', ')
    return {
      vendorSpecific: encodeImageList(netBoot.priority, first.id, images),
      because: `${who} asks which images there are: ${names}`,
    }
  }
  if (asked.type !== NetBootMessageType.select) return `BSDP's message ${asked.type} is no question`
  const { serverIdentifier, selectedImage = 0 } = asked
  if (serverIdentifier !== undefined && !ownAddresses.includes(serverIdentifier))
    return 'a NetBoot choice of another server'
  const image = images.find(({ id }) => id === selectedImage)
  if (!image) {
    return { vendorSpecific: encodeFailed(selectedImage), because: `${who} chose an image that is not there for it` }
  }
  const { bootFile, rootPath, name } = image
  return {
    vendorSpecific: encodeSelected(image),
    bootFile,
    ...(rootPath !== undefined && { rootPath }),
    because: `${who} chose ${name}`,
  }
}
