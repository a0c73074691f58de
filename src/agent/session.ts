import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { Check } from 'typebox/value'
import { DecodeError } from '../bytes/decode-error.ts'
import type { Mac } from '../bytes/mac.ts'
import { SessionReply, type SessionRequest } from '../core/agent-protocol.ts'
import { encodePublicKey } from '../core/seal.ts'
import { type RequestOptions, ServerClient } from './server-client.ts'

/** This boot's standing with the server. */
export type Session = {
  client: ServerClient
  machine: SessionReply['machine']
  /** Orders name it, so that an order for another boot is refused. */
  nonce: string
  /** X25519; secrets of orders are sealed to it. */
  privateKey: KeyObject
  serverNowMs: number
}

/**
 * Trades the boot token for a session; retries until the server answers. Repeating with the same key is not a second
 * exchange, so a lost answer does no harm. Throws ServerRefused (409: the token was used by somebody else).
 */
export async function openSession(
  server: string,
  token: string | undefined,
  mac: Mac,
  options: RequestOptions = {},
): Promise<Session> {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const nonce = randomBytes(24).toString('base64url')
  const request: SessionRequest = { mac, publicKey: encodePublicKey(publicKey), nonce }
  if (token !== undefined) request.token = token
  const client = new ServerClient(server)
  const reply = await client.request('POST', '/agent/session', request, options)
  if (!Check(SessionReply, reply)) throw new DecodeError('session reply', 'it lacks session, machine or nowMs')
  client.session = reply.session
  return { client, machine: reply.machine, nonce, privateKey, serverNowMs: reply.nowMs }
}
