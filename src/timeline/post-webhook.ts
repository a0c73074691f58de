import { type ClientRequest, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { oneLine } from '../core/one-line.ts'
import { signatureHeader, signWebhook } from './sign-webhook.ts'
import type { Webhook } from './webhook.ts'

export type PostOutcome = { kind: 'taken' } | { kind: 'failed'; reason: string }

/**
 * One attempt. Any 2xx means that the receiver has the events; redirections are not followed: what is told is not for another
 * place.
 */
export async function postWebhook(
  { url, secret }: Webhook,
  body: string,
  { timeoutMs, signal, nowMs }: { timeoutMs: number; signal: AbortSignal; nowMs: number },
): Promise<PostOutcome> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'User-Agent': 'bootwright',
    ...(secret !== undefined && { [signatureHeader]: signWebhook(secret, body, Math.floor(nowMs / 1000)) }),
  }
  try {
    const options = { method: 'POST', headers, signal: AbortSignal.any([signal, deadline]) }
    const status = await send(url, options, body)
    if (status >= 200 && status < 300) return { kind: 'taken' }
    return { kind: 'failed', reason: `it answered ${status}` }
  } catch (error) {
    if (deadline.aborted) return { kind: 'failed', reason: `it did not answer within ${timeoutMs / 1000} s` }
    const { code, message } = error as NodeJS.ErrnoException
    return { kind: 'failed', reason: oneLine(code === undefined ? message : `${code} (${message})`, 200) }
  }
}

/** Resolves to the status, when the whole answer is there; nothing of it is kept. */
function send(url: string, options: RequestOptions, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (url.startsWith('https:') ? requestHttps : requestHttp)(url, options, (answer) => {
      answer.on('error', reject)
      answer.on('end', () => resolve(answer.statusCode ?? 0))
      answer.resume()
    })
    request.on('error', reject)
    request.end(body)
  })
}
