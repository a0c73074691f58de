import { once } from 'node:events'
import { connect } from 'node:net'
import type { Upstream } from '../core/name-service.ts'
import { openConnectedSocket } from '../net/connected-socket.ts'
import { isAnswerTo, isCut } from './foreign-answer.ts'
import { frameMessage, MessageFrames } from './message-frames.ts'

/** An upstream server gave no answer that could be used. */
export class UpstreamSilent extends Error {
  override readonly name = 'UpstreamSilent'

  constructor({ address, port }: Upstream, reason: string, options?: ErrorOptions) {
    super(`${address} port ${port}: ${reason}`, options)
  }
}

/**
 * One question to one server, from a port that the kernel draws for it alone; by TCP where its answer does not fit. Throws
 * UpstreamSilent, at the latest after `timeoutMs` for each of the two ways.
 */
export async function askUpstream(upstream: Upstream, question: Buffer, timeoutMs: number): Promise<Buffer> {
  try {
    const answer = await askByDatagram(upstream, question, timeoutMs)
    return isCut(answer) ? await askByStream(upstream, question, timeoutMs) : answer
  } catch (cause) {
    if (cause instanceof UpstreamSilent) throw cause
    const { name, message } = cause as Error
    const isLate = name === 'AbortError' || name === 'TimeoutError'
    throw new UpstreamSilent(upstream, isLate ? `no answer in ${timeoutMs} ms` : message, { cause })
  }
}

async function askByDatagram({ address, port }: Upstream, question: Buffer, timeoutMs: number): Promise<Buffer> {
  const signal = AbortSignal.timeout(timeoutMs)
  const socket = await openConnectedSocket(address, port)
  try {
    const answer = Promise.withResolvers<Buffer>()
    // The kernel passes on what comes from that server alone; what answers another question is no answer.
    socket.on('message', (message) => isAnswerTo(message, question) && answer.resolve(message))
    socket.on('error', answer.reject)
    signal.addEventListener('abort', () => answer.reject(signal.reason))
    socket.send(question, (error) => error && answer.reject(error))
    return await answer.promise
  } finally {
    socket.close()
  }
}

async function askByStream(upstream: Upstream, question: Buffer, timeoutMs: number): Promise<Buffer> {
  const signal = AbortSignal.timeout(timeoutMs)
  const socket = connect({ host: upstream.address, port: upstream.port, signal })
  try {
    await once(socket, 'connect')
    socket.write(frameMessage(question))
    const answer = await firstMessage(socket)
    if (!isAnswerTo(answer, question)) throw new UpstreamSilent(upstream, 'by TCP it answers something else')
    return answer
  } finally {
    socket.destroy()
  }
}

async function firstMessage(socket: AsyncIterable<Buffer>): Promise<Buffer> {
  const frames = new MessageFrames()
  for await (const piece of socket) {
    const [first] = frames.take(piece)
    if (first) return first
  }
  throw new Error('it closed the connection')
}
