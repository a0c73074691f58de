/** What a packet server would do with a packet. Text for people; holds no token. */
export type Explanation = {
  interface: string
  /** The packet as lines; absent where it is none. */
  request?: string
  /** One sentence with its reason. */
  answer: string
  /** The reply as lines, and where it would go. */
  reply?: string
  destination?: string
}

/** A packet to be explained. */
export type ExplainRequest = {
  packet: Uint8Array
  /** Heard on this interface; left out, the one that serves the relay named in it, else the first. */
  interface?: string
  /** Dotted: where it came from. */
  address: string
  isUnicast: boolean
  localPort: 67 | 4011
}
