import { setTimeout as wait } from 'node:timers/promises'
import { DecodeError } from '../../bytes/decode-error.ts'
import { type Mac, macToBytes, parseMac } from '../../bytes/mac.ts'
import type { Neighbour } from '../../core/inventory.ts'
import { LinuxError } from '../../linux/linux-error.ts'
import { etherType8022, openPacketFd, receiveFrame } from '../../linux/packet-socket.ts'
import { closeFd } from '../../linux/socket.ts'
import { cdpGroup, decodeCdp } from './cdp.ts'
import { decodeLldp, lldpEtherType, lldpGroups } from './lldp.ts'

/** Packet sockets are none that Node can wait for; nobody waits for a neighbour either. */
const lookEveryMs = 500
/** So many frames at one look: what floods the cable must not hold up the work beside this. */
const framesAtOnce = 16
/** Behind destination, source and EtherType or length. */
const payloadOffset = 14
const longestFrame = 9216

const protocols = [
  { etherType: lldpEtherType, groups: lldpGroups, decode: decodeLldp },
  { etherType: etherType8022, groups: [cdpGroup], decode: decodeCdp },
] as const

type Listening = { mac: Mac; fd: number; decode: (payload: Uint8Array) => Neighbour | undefined }

export type NeighbourOptions = {
  interfaces: readonly { name: string; mac: Mac }[]
  /** Switches speak every 30 s (LLDP) or 60 s (CDP), and mostly as soon as a link comes up. */
  timeoutMs: number
  /** Called for each first word of an interface's neighbour. */
  onHeard: (mac: Mac, neighbour: Neighbour) => void
  /** An interface cannot be listened to; the others are. */
  onTrouble: (reason: string) => void
}

/** Listens until every interface has a neighbour, or the time is over. Malformed frames are nobody's word. */
export async function listenForNeighbours({ interfaces, timeoutMs, onHeard, onTrouble }: NeighbourOptions) {
  const deadlineAt = performance.now() + timeoutMs
  const buffer = Buffer.alloc(longestFrame)
  let listening = interfaces.flatMap(({ name, mac }) => listenOn(name, mac, onTrouble))
  try {
    while (listening.length > 0 && performance.now() < deadlineAt) {
      await wait(lookEveryMs)
      for (const one of listening) {
        // Closed already where the other protocol was heard at this very look.
        const neighbour = listening.includes(one) ? lookAt(one, buffer) : undefined
        if (!neighbour) continue
        onHeard(one.mac, neighbour)
        for (const { mac, fd } of listening) if (mac === one.mac) closeFd(fd)
        listening = listening.filter(({ mac }) => mac !== one.mac)
      }
    }
  } finally {
    for (const { fd } of listening) closeFd(fd)
  }
}

function listenOn(name: string, mac: Mac, onTrouble: (reason: string) => void): Listening[] {
  return protocols.flatMap(({ etherType, groups, decode }) => {
    const addresses = groups.map((group) => macToBytes(parseMac(group)))
    try {
      return [{ mac, fd: openPacketFd(name, etherType, addresses), decode }]
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error
      onTrouble(`no neighbour is listened for on ${name}: ${error.message}`)
      return []
    }
  })
}

function lookAt({ fd, decode }: Listening, buffer: Buffer): Neighbour | undefined {
  for (let count = 0; count < framesAtOnce; count++) {
    const length = receiveFrame(fd, buffer)
    if (length === undefined) return undefined
    try {
      const neighbour = decode(buffer.subarray(payloadOffset, Math.min(length, buffer.length)))
      if (neighbour) return neighbour
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }
  return undefined
}
