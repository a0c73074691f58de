import { createPrivateKey, createPublicKey } from 'node:crypto'

export type SshHostKey = { privateText: string; publicLine: string }

const keyType = Buffer.from('ssh-ed25519')
/** PKCS #8 of an Ed25519 key, before its 32 bytes (RFC 8410 §7). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** An Ed25519 host key from 32 bytes that only this machine's server knows, as OpenSSH writes it (its PROTOCOL.key). */
export function sshHostKey(seed: Buffer, comment: string): SshHostKey {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
  const publicBytes = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  const publicBlob = Buffer.concat([field(keyType), field(publicBytes)])
  return {
    privateText: armour(privateFile(seed, publicBytes, publicBlob, comment)),
    publicLine: `${keyType} ${publicBlob.toString('base64')} ${comment}`,
  }
}

function privateFile(seed: Buffer, publicBytes: Buffer, publicBlob: Buffer, comment: string): Buffer {
  const check = seed.subarray(0, 4) // the same number twice: OpenSSH sees by it that the key was decrypted rightly
  const parts = [check, check, field(keyType), field(publicBytes), field(Buffer.concat([seed, publicBytes]))]
  const secret = Buffer.concat([...parts, field(Buffer.from(comment))])
  const padding = Buffer.from(Array.from({ length: -secret.length & 7 }, (_, at) => at + 1))
  const none = field(Buffer.from('none'))
  return Buffer.concat([
    ...[Buffer.from('openssh-key-v1\0'), none, none, field(Buffer.alloc(0)), number(1)],
    ...[field(publicBlob), field(Buffer.concat([secret, padding]))],
  ])
}

function armour(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,70}/g)!
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}

function field(bytes: Buffer): Buffer {
  return Buffer.concat([number(bytes.length), bytes])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
