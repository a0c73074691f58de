import { DecodeError } from '../bytes/decode-error.ts'
import { type Ipv4, ipv4FromBytes } from '../bytes/ipv4.ts'
import { encodeText } from './options.ts'

/** Boot Server Discovery Protocol's messages, in option 43 (Apple, BSDP 1.0 and 1.1). */
export const NetBootMessageType = { list: 1, select: 2, failed: 3 } as const

const SubOption = {
  messageType: 1,
  version: 2,
  serverIdentifier: 3,
  serverPriority: 4,
  replyPort: 5,
  defaultImage: 7,
  selectedImage: 8,
  imageList: 9,
  machineName: 130,
} as const

/** What a Mac sends. */
export type NetBootMessage = {
  type: number
  /** Absent, or as in `0x0101`. */
  version?: number
  /** The server a SELECT is for. */
  serverIdentifier?: Ipv4
  /** Below 1024. */
  replyPort?: number
  selectedImage?: number
}

/** Sub-options that are not known are skipped. Throws DecodeError. */
export function decodeNetBootMessage(field: Uint8Array): NetBootMessage {
  const values = new Map<number, Uint8Array>()
  for (let at = 0; at < field.length; ) {
    const code = field[at]!
    const end = at + 2 + (field[at + 1] ?? 0)
    if (at + 2 > field.length || end > field.length) refuse(`sub-option ${code} leads out of it`)
    values.set(code, field.subarray(at + 2, end))
    at = end
  }
  const number = (code: number, sizeBytes: number): number | undefined => {
    const value = values.get(code)
    if (!value) return undefined
    if (value.length !== sizeBytes) refuse(`sub-option ${code} has ${value.length} bytes and needs ${sizeBytes}`)
    return value.reduce((sum, byte) => sum * 256 + byte, 0)
  }
  const type = number(SubOption.messageType, 1)
  if (type === undefined) return refuse('it has no message type')
  const version = number(SubOption.version, 2)
  const replyPort = number(SubOption.replyPort, 2)
  const selectedImage = number(SubOption.selectedImage, 4)
  const server = values.get(SubOption.serverIdentifier)
  if (server && server.length !== 4) refuse('its server identifier is no address')
  return {
    type,
    ...(version !== undefined && { version }),
    ...(server && { serverIdentifier: ipv4FromBytes(server) }),
    ...(replyPort !== undefined && { replyPort }),
    ...(selectedImage !== undefined && { selectedImage }),
  }
}

function refuse(reason: string): never {
  throw new DecodeError('BSDP message', reason)
}

type Listed = { id: number; name: string }

/** A Mac does not join a split option: entries that lead beyond 255 bytes are left out, whole. */
const maximumFieldBytes = 255

/** The answer to LIST. */
export function encodeImageList(priority: number, defaultImage: number, images: readonly Listed[]): Uint8Array {
  const head = [
    ...subOption(SubOption.messageType, [NetBootMessageType.list]),
    ...subOption(SubOption.serverPriority, [priority >> 8, priority & 255]),
    ...subOption(SubOption.defaultImage, idBytes(defaultImage)),
  ]
  const list: number[] = []
  for (const { id, name } of images) {
    const text = encodeText(name)
    const entry = [...idBytes(id), text.length, ...text]
    if (head.length + 2 + list.length + entry.length <= maximumFieldBytes) list.push(...entry)
  }
  return Uint8Array.of(...head, ...subOption(SubOption.imageList, list))
}

/** The answer to SELECT, with what the Mac shall call itself. */
export function encodeSelected({ id, name }: Listed): Uint8Array {
  return Uint8Array.of(
    ...subOption(SubOption.messageType, [NetBootMessageType.select]),
    ...subOption(SubOption.selectedImage, idBytes(id)),
    ...subOption(SubOption.machineName, encodeText(name)),
  )
}

/** The answer to a SELECT of what there is not. */
export function encodeFailed(id: number): Uint8Array {
  return Uint8Array.of(
    ...subOption(SubOption.messageType, [NetBootMessageType.failed]),
    ...subOption(SubOption.selectedImage, idBytes(id)),
  )
}

/** What a lease's answer tells a Mac: the image it would get. */
export function encodeSelectedImage(id: number): Uint8Array {
  return Uint8Array.of(...subOption(SubOption.selectedImage, idBytes(id)))
}

function subOption(code: number, value: ArrayLike<number>): number[] {
  return [code, value.length, ...Array.from(value)]
}

function idBytes(id: number): number[] {
  return [id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255]
}
