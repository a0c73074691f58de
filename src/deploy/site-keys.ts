import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSigningKey, type SigningKey } from '../image/signing-key.ts'

/** What this site signs and authenticates with; kept in one directory, mode 0700. */
export type SiteKeys = {
  /** Ed25519: signs images and orders. The public halves are in the ramdisk. */
  imageKey: SigningKey
  orderKey: SigningKey
  /** Authenticates boot tokens and first-boot callbacks. */
  tokenKey: Uint8Array
  /** Bearer of the management API for everything but the unix socket. */
  managementToken: string
  /** True when this call made the management token, so that it can be printed once. */
  managementTokenIsNew: boolean
}

/** Reads the keys, making what is not there yet. A key file is complete or absent, whatever happens in between. */
export async function openSiteKeys(directory: string): Promise<SiteKeys> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const token = await readOrMakeSecret(join(directory, 'boot-token.key'), 32)
  const management = await readOrMakeSecret(join(directory, 'management.token'), 24)
  return {
    imageKey: await openSigningKey(directory, 'image'),
    orderKey: await openSigningKey(directory, 'order'),
    tokenKey: Buffer.from(token.text, 'base64url'),
    managementToken: management.text,
    managementTokenIsNew: management.isNew,
  }
}

/** The public keys a ramdisk of this site trusts. */
export function trustOf(keys: Pick<SiteKeys, 'imageKey' | 'orderKey'>) {
  return { imagePublicKeyPem: keys.imageKey.publicKeyPem, orderPublicKeyPem: keys.orderKey.publicKeyPem }
}

async function readOrMakeSecret(file: string, sizeBytes: number): Promise<{ text: string; isNew: boolean }> {
  try {
    return { text: await readFile(file, 'utf8'), isNew: false }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const aside = `${file}.${process.pid}`
  await writeFile(aside, randomBytes(sizeBytes).toString('base64url'), { mode: 0o600, flush: true })
  try {
    // Fails where another process was first, whose secret is then the one.
    await link(aside, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(aside, { force: true })
  }
  return { text: await readFile(file, 'utf8'), isNew: true }
}
