import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { link, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { makeDirectoryDurably, syncDirectory, writeSyncedFile } from './durable-file.ts'

export type SigningKey = {
  privateKey: KeyObject
  publicKey: KeyObject
  /** SPKI, as it goes into a ramdisk. */
  publicKeyPem: string
}

/** A key file that is there and cannot be used. */
export class KeyUnusable extends Error {
  override readonly name = 'KeyUnusable'
}

/**
 * The Ed25519 pair DIRECTORY/NAME.key (PKCS #8 PEM, mode 0600) and NAME.pub, made when it is not there; two processes
 * that start at once end up with the same. Throws KeyUnusable.
 */
export async function openSigningKey(directory: string, name = 'image'): Promise<SigningKey> {
  return (await loadSigningKey(directory, name)) ?? (await createSigningKey(directory, name))
}

/** Undefined where there is no key file. Throws KeyUnusable. */
export async function loadSigningKey(directory: string, name = 'image'): Promise<SigningKey | undefined> {
  const file = path.join(directory, `${name}.key`)
  let pem: string
  try {
    pem = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return signingKeyFromPem(pem, file)
}

/** The public half alone, which is all that checking needs. Throws KeyUnusable. */
export function parsePublicKey(pem: string, origin: string): KeyObject {
  return checkKind(() => createPublicKey(pem), origin)
}

function signingKeyFromPem(pem: string, file: string): SigningKey {
  const privateKey = checkKind(() => createPrivateKey(pem), file)
  const publicKey = createPublicKey(privateKey)
  return { privateKey, publicKey, publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }) }
}

function checkKind(read: () => KeyObject, origin: string): KeyObject {
  let key: KeyObject
  try {
    key = read()
  } catch (cause) {
    throw new KeyUnusable(`Cannot use the key ${origin}: it is no PEM key that can be read without a password`, {
      cause,
    })
  }
  if (key.asymmetricKeyType === 'ed25519') return key
  throw new KeyUnusable(`Cannot use the key ${origin}: it is ${key.asymmetricKeyType}, not ed25519`)
}

async function createSigningKey(directory: string, name: string): Promise<SigningKey> {
  await makeDirectoryDurably(directory)
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
  const file = path.join(directory, `${name}.key`)
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  await writeSyncedFile(aside, pem, 0o600)
  try {
    await link(aside, file) // unlike rename(), fails where another process was first
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(aside, { force: true })
  }
  const key = signingKeyFromPem(await readFile(file, 'utf8'), file)
  await writeSyncedFile(path.join(directory, `${name}.pub`), key.publicKeyPem).catch((error) => {
    if (error.code !== 'EEXIST') throw error
  })
  await syncDirectory(directory)
  return key
}
