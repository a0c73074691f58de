import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

/** What this site signs and authenticates with; kept in one directory, mode 0700. */
export type SiteKeys = {
  /** Ed25519: signs orders. Its public half is in the ramdisk. */
  orderKey: KeyObject
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
  const order = await readOrMake(join(directory, 'order.key'), () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
  const token = await readOrMake(join(directory, 'boot-token.key'), () => randomBytes(32).toString('base64url'))
  const management = await readOrMake(join(directory, 'management.token'), () => randomBytes(24).toString('base64url'))
  return {
    orderKey: createPrivateKey(order.text),
    tokenKey: Buffer.from(token.text, 'base64url'),
    managementToken: management.text,
    managementTokenIsNew: management.isNew,
  }
}

async function readOrMake(file: string, make: () => string): Promise<{ text: string; isNew: boolean }> {
  try {
    return { text: await readFile(file, 'utf8'), isNew: false }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const text = make()
  const aside = `${file}.new`
  const handle = await open(aside, 'w', 0o600)
  await handle.writeFile(text)
  await handle.sync()
  await handle.close()
  await rename(aside, file)
  return { text, isNew: true }
}
