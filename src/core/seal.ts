import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { DecodeError } from '../bytes/decode-error.ts'

const info = 'bootwright sealed v1'

/** The form in which an X25519 public key travels: base64 of its SPKI DER. */
export function encodePublicKey(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64')
}

/** Throws DecodeError when the text is not an X25519 public key. */
export function decodeSealingKey(text: string): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(text, 'base64'), type: 'spki', format: 'der' })
  } catch {
    throw new DecodeError('public key', 'it is not base64 of an SPKI structure')
  }
  if (key.asymmetricKeyType !== 'x25519')
    throw new DecodeError('public key', `it is ${key.asymmetricKeyType}, not x25519`)
  return key
}

/** Encrypts to the holder of an X25519 key: ephemeral key agreement, HKDF-SHA256, AES-256-GCM. Base64 JSON-free text. */
export function seal(plain: Uint8Array, recipient: KeyObject): string {
  const ephemeral = generateKeyPairSync('x25519')
  const key = sharedKey(ephemeral.privateKey, recipient)
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12))
  const body = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return `${encodePublicKey(ephemeral.publicKey)}.${body.toString('base64')}`
}

/** Throws DecodeError when the text was not sealed to this key, or was changed. */
export function unseal(sealed: string, privateKey: KeyObject): Uint8Array {
  const [from = '', body = ''] = sealed.split('.')
  const bytes = Buffer.from(body, 'base64')
  if (bytes.length < 16) throw new DecodeError('sealed text', 'it is too short')
  const decipher = createDecipheriv('aes-256-gcm', sharedKey(privateKey, decodeSealingKey(from)), Buffer.alloc(12))
  decipher.setAuthTag(bytes.subarray(-16))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()])
  } catch {
    throw new DecodeError('sealed text', 'it was sealed to another key, or changed on the way')
  }
}

function sharedKey(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  // A fresh ephemeral key for every message makes the fixed all-zero nonce safe: no key is ever used twice.
  return new Uint8Array(hkdfSync('sha256', diffieHellman({ privateKey, publicKey }), '', info, 32))
}
