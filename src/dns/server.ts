import { formatIpv4, type Ipv4, parseIpv4, type Subnet, subnetContains } from '../bytes/ipv4.ts'
import { readDatagrams } from '../net/datagram-reader.ts'
import { DatagramSender } from '../net/datagram-sender.ts'
import { openInterfaceSocket } from '../net/udp-socket.ts'
import { decideQuery, type NameContext } from './decide.ts'
import { encodeForeignAnswer } from './foreign-answer.ts'
import type { Forwarder } from './forwarder.ts'
import { type Query, rcode, readQuery } from './query.ts'
import { encodeReply, longestDatagram, refusal, streamBytes } from './reply.ts'
import { listenTcp } from './tcp-listener.ts'

/** One interface that names are answered on. Plain data: it crosses threads. */
export type NameInterface = {
  name: string
  serverAddress: Ipv4
  /** Who may ask. */
  subnets: Subnet[]
}

export type NameServerOptions = {
  interface: NameInterface
  context: Omit<NameContext, 'now' | 'serverAddress' | 'mayForward'>
  /** Absent: only our own names are answered. */
  forwarder?: Forwarder
  /** Called once, when queries are being answered. */
  onReady: () => void
  /** A query that could not be answered by a mistake of ours. */
  onFault: (error: unknown) => void
  /** Ends the server, which then resolves. */
  signal: AbortSignal
}

/** Names cannot be answered on an interface, or no longer. */
export class NamesUnservable extends Error {
  override readonly name = 'NamesUnservable'
  readonly interface: string

  constructor(interfaceName: string, cause: Error) {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const advice = isTaken ? '; stop the DNS server that is there, or leave the interface out of names.interfaces' : ''
    super(`Cannot answer DNS on ${interfaceName}: ${cause.message}${advice}`, { cause })
    this.interface = interfaceName
  }
}

const port = 53
const receiveBufferBytes = 1 << 20

/** Answers DNS on one interface's own address until the signal. Rejects with NamesUnservable; a query never ends it. */
export async function serveNames(options: NameServerOptions): Promise<void> {
  const { name, serverAddress, subnets } = options.interface
  const address = formatIpv4(serverAddress)
  const mayAsk = (source: string) => isServed(subnets, source)
  using open = new DisposableStack()
  try {
    const udp = await openInterfaceSocket({ interface: name, address, port, receiveBufferBytes })
    open.defer(() => udp.socket.removeAllListeners('message').close())
    const sender = new DatagramSender(udp)
    readDatagrams(udp, (payload, source) => {
      if (!mayAsk(source.address)) return
      const send = (reply: Buffer) => sender.send(reply, parseIpv4(source.address), source.port, () => {})
      answer(options, payload as Buffer, longestDatagram, send)
    })
    const onMessage = (message: Buffer, send: (reply: Buffer) => void) =>
      answer(options, message, () => streamBytes, send)
    const tcp = await listenTcp({ address, port, mayAsk, onMessage })
    open.defer(() => tcp.close())
    const dead = new Promise<never>((_, reject) => udp.socket.once('error', reject))
    options.onReady()
    await Promise.race([untilAborted(options.signal), dead, tcp.failed])
  } catch (cause) {
    throw new NamesUnservable(name, cause as Error)
  }
}

type Asked = { query: Query; longestBytes: number; send: (reply: Buffer) => void }

function answer(
  options: NameServerOptions,
  message: Buffer,
  longestBytesOf: (query: Query) => number,
  send: (reply: Buffer) => void,
): void {
  try {
    const received = readQuery(message)
    if (received.kind === 'refuse') send(received.reply)
    if (received.kind !== 'query') return
    const { query } = received
    answerQuery(options, { query, send, longestBytes: longestBytesOf(query) })
  } catch (error) {
    options.onFault(error)
  }
}

function answerQuery(options: NameServerOptions, asked: Asked): void {
  const { forwarder, context, interface: link } = options
  const { query, longestBytes, send } = asked
  const mayForward = forwarder !== undefined
  const { serverAddress } = link
  const decision = decideQuery(query, { ...context, serverAddress, mayForward, now: Date.now() })
  if (decision.kind === 'forward') forward(options, asked).catch(options.onFault)
  else send(encodeReply(query, decision, { isForwarder: mayForward, longestBytes }))
}

async function forward({ forwarder, signal }: NameServerOptions, { query, longestBytes, send }: Asked): Promise<void> {
  const found = await forwarder?.find(query)
  if (signal.aborted) return
  const { answer: foreign, ageSeconds = 0 } = found ?? {}
  if (foreign) send(encodeForeignAnswer(query, foreign, { ageSeconds, longestBytes }))
  else send(encodeReply(query, refusal(rcode.serverFailure), { isForwarder: true, longestBytes }))
}

/** Nobody outside the served subnets is answered: who asks by a forged address would have us flood its owner. */
function isServed(subnets: readonly Subnet[], source: string): boolean {
  const address = parseIpv4(source)
  return subnets.some((subnet) => subnetContains(subnet, address))
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
