import type { IncomingMessage } from 'node:http'

export type ReadBody =
  | { kind: 'body'; bytes: Uint8Array }
  | { kind: 'too-large' }
  /** The client left before its end. */
  | { kind: 'gone' }

/** Reads the whole body of a request when it is at most `limitBytes` long. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<ReadBody> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return { kind: 'too-large' }
  const parts: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const part of request) {
      sizeBytes += part.length
      if (sizeBytes > limitBytes) return { kind: 'too-large' }
      parts.push(part)
    }
  } catch {
    return { kind: 'gone' }
  }
  // A body of its own memory: what is posted to another thread is copied whole, pool included.
  return { kind: 'body', bytes: new Uint8Array(Buffer.concat(parts)) }
}
