import { readFile } from 'node:fs/promises'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import type { BootTree } from '../boot/tree.ts'
import { Forwarder } from '../content/forwarder.ts'
import { type BlockingSocket, openBlockingSocket, SocketWait } from '../net/blocking-socket.ts'
import { type TftpLimits, TftpListener } from './listener.ts'
import { dataHeaderBytes } from './packet.ts'
import type { TftpEvent } from './tftp-event.ts'

export const defaultTftpLimits: TftpLimits = {
  transfers: 1024,
  transfersPerAddress: 8,
  maxBlockBytes: 65464,
  maxWindowBlocks: 64,
  giveUpMs: 45_000,
}

export type OpenTransferSocket = (options: {
  interface?: string
  address: string
  port: number
  payloadBytes: number
}) => BlockingSocket

/**
 * `interface`: serves this one only; without it, whatever reaches `address` (our own there, dotted). `scripts`: a port to who
 * makes boot scripts (content/answer-forwarded.ts), closed at the end.
 */
export type TftpPlace = { interface?: string; address: string; scripts?: MessagePort }

export type TftpOptions = {
  places: readonly TftpPlace[]
  /** 69 where not given; 0 lets the kernel choose. */
  port?: number
  tree: BootTree
  limits?: Partial<TftpLimits>
  onEvent(event: TftpEvent): void
  /** Called when requests are answered from now on, with the first place's port. */
  onListening?(port: number): void
  /** Another way to open sockets, for tests on a lossy one. */
  openSocket?: OpenTransferSocket
  /** How long the thread may stand still when nothing comes. */
  longestWaitMs?: number
  signal: AbortSignal
}

/** IPv4, UDP and TFTP headers of a DATA packet. */
const dataOverheadBytes = 20 + 8 + 4
/** Our ERROR and OACK fit whatever the MTU is. */
const leastPayloadBytes = 1024
const transferSockets = 4
/** A loader waits longer for the answer to its request. */
const scriptTimeoutMs = 20_000
const tickMs = 50
/** Files that take longer to open lie on something slow: the thread does not spin for them. */
const spinMs = 20
/** The event loop gets a turn at least this often. */
const longestStandstillMs = 100

/**
 * Answers until the signal aborts; transfers under way are then ended. It takes its thread for itself: between packets that
 * stands still in poll(2), and the event loop runs while files are opened, and ten times a second. Rejects when a socket
 * cannot be opened, or dies.
 */
export async function serveTftp(options: TftpOptions): Promise<void> {
  const listeners: TftpListener[] = []
  try {
    for (const place of options.places) listeners.push(await openListener(place, options))
    options.onListening?.(listeners[0]!.sockets[0]!.port)
    await drive(listeners, options)
  } finally {
    for (const listener of listeners) listener.stop()
  }
}

async function openListener({ scripts, ...place }: TftpPlace, options: TftpOptions): Promise<TftpListener> {
  const { tree, port = 69, onEvent, openSocket = openBlockingSocket } = options
  const limits = { ...defaultTftpLimits, ...options.limits }
  limits.maxBlockBytes = Math.min(limits.maxBlockBytes, (await mtuBytes(place.interface)) - dataOverheadBytes)
  const payloadBytes = Math.max(leastPayloadBytes, limits.maxBlockBytes + dataHeaderBytes)
  const sockets: BlockingSocket[] = []
  try {
    for (const wanted of [port, ...Array<number>(transferSockets).fill(0)]) {
      sockets.push(openSocket({ ...place, port: wanted, payloadBytes }))
    }
  } catch (error) {
    for (const socket of sockets) socket.close()
    throw error
  }
  const [listening, ...transferring] = sockets
  return new TftpListener({
    ...{ tree, limits, listening: listening!, transferring, onEvent },
    ...(scripts && { scripts: new Forwarder(scripts, scriptTimeoutMs) }),
  })
}

async function drive(listeners: readonly TftpListener[], options: TftpOptions): Promise<void> {
  const { signal, longestWaitMs = longestStandstillMs } = options
  const parts = listeners.flatMap((listener) => listener.sockets.map((socket) => ({ listener, socket })))
  const sockets = new SocketWait(parts.map(({ socket }) => socket))
  let nowMs = performance.now()
  let tickedAtMs = nowMs
  let turnedAtMs = nowMs
  let idleAtMs = nowMs
  const onReady = (index: number) => {
    const { listener, socket } = parts[index]!
    listener.receive(socket, performance.now())
    socket.flush()
  }
  while (!signal.aborted) {
    const isOpening = listeners.some((listener) => listener.isOpening)
    if (!isOpening) idleAtMs = nowMs
    const waitMs = nowMs - idleAtMs < spinMs ? 0 : 1
    sockets.wait(isOpening ? waitMs : longestWaitMs, onReady)
    nowMs = performance.now()
    if (nowMs - tickedAtMs >= tickMs) {
      for (const listener of listeners) listener.tick(nowMs)
      for (const listener of listeners) listener.flush()
      tickedAtMs = nowMs
    }
    if (isOpening || nowMs - turnedAtMs >= Math.min(longestWaitMs, longestStandstillMs)) {
      await eventLoopTurn()
      for (const listener of listeners) listener.flush()
      turnedAtMs = nowMs
    }
  }
}

const ethernetMtuBytes = 1500

/** Ethernet's where there is no interface to ask, or /sys shows those of another network namespace. */
async function mtuBytes(interfaceName: string | undefined): Promise<number> {
  if (interfaceName === undefined) return ethernetMtuBytes
  try {
    return Number(await readFile(`/sys/class/net/${interfaceName}/mtu`, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ethernetMtuBytes
    throw error
  }
}
