/** DHCP message types: option 53 (RFC 2132 §9.6). */
export const MessageType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const

const names = new Map<number, string>(Object.entries(MessageType).map(([name, value]) => [value, name.toUpperCase()]))

/** `DISCOVER`, `type 13`, or `BOOTP` for a message without option 53. */
export function formatMessageType(type: number | undefined): string {
  if (type === undefined) return 'BOOTP'
  return names.get(type) ?? `type ${type}`
}
