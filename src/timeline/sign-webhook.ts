import { createHmac } from 'node:crypto'

export const signatureHeader = 'Bootwright-Signature'

/**
 * `t=SECONDS,v1=HEX`: HMAC-SHA256 over the seconds since the epoch, a full stop and the body's bytes as they are sent, so that
 * an old request cannot be sent again later.
 */
export function signWebhook(secret: string, body: string, atSeconds: number): string {
  const digest = createHmac('sha256', secret).update(`${atSeconds}.`).update(body).digest('hex')
  return `t=${atSeconds},v1=${digest}`
}
