import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { trustFiles } from '../core/agent-protocol.ts'
import type { SegmentEntry, SegmentRecipe } from './segment.ts'

/** What makes a site's ramdisk its own. Paths are on this machine. */
export type Site = {
  trust: { imagePublicKeyPem: string; orderPublicKeyPem: string }
  /** A directory whose files are laid over the root of the ramdisk, owned by root, with their modes. */
  overlay?: string
  /** PEM file of certificate authorities the agent trusts as well. */
  caBundle?: string
  /** Console keymap in busybox's binary form, `loadkeys --bkeymap`. */
  keymap?: string
}

/** A file of the site that cannot be packed. */
export class SiteFileUnusable extends Error {
  override readonly name = 'SiteFileUnusable'
}

/** Keys, certificates, keymap and overlay: small, and made anew at every start of the service, so not compressed. */
export async function siteRecipe(site: Site): Promise<SegmentRecipe> {
  const entries = [
    bytes(trustFiles.image.slice(1), Buffer.from(site.trust.imagePublicKeyPem), 'trust'),
    bytes(trustFiles.order.slice(1), Buffer.from(site.trust.orderPublicKeyPem), 'trust'),
    ...(site.caBundle ? [bytes('etc/bootwright/ca.pem', await readCaBundle(site.caBundle), 'CA bundle')] : []),
    ...(site.keymap ? [bytes('etc/bootwright/keymap.bmap', await readKeymap(site.keymap), 'keymap')] : []),
    ...(site.overlay ? await readOverlay(site.overlay) : []),
  ]
  return { name: 'site', inputs: entries.map(identityOf), compress: false, entries: async () => entries }
}

function identityOf({ entry }: SegmentEntry): unknown {
  return entry.kind === 'bytes' ? { ...entry, bytes: createHash('sha256').update(entry.bytes).digest('hex') } : entry
}

async function readCaBundle(path: string): Promise<Buffer> {
  const pem = await readSiteFile(path, 'CA bundle')
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new SiteFileUnusable(`Cannot use the CA bundle ${path}: it has no PEM certificate`)
  }
  return pem
}

/** busybox loadkmap reads nothing else. */
async function readKeymap(path: string): Promise<Buffer> {
  const keymap = await readSiteFile(path, 'keymap')
  if (keymap.subarray(0, 7).toString('latin1') !== 'bkeymap') {
    throw new SiteFileUnusable(`Cannot use the keymap ${path}: it is not binary; make one with loadkeys --bkeymap`)
  }
  return keymap
}

async function readSiteFile(path: string, what: string): Promise<Buffer> {
  return readFile(path).catch((cause) => {
    throw new SiteFileUnusable(`Cannot read the ${what} ${path}: ${(cause as Error).message}`, { cause })
  })
}

async function readOverlay(directory: string): Promise<SegmentEntry[]> {
  const entries: SegmentEntry[] = []
  for (const name of (await readdir(directory, { recursive: true })).sort()) {
    const source = join(directory, name)
    const stats = await lstat(source)
    const path = mergedUsr(name)
    const mode = stats.mode & 0o7777
    if (stats.isDirectory()) {
      if (mergedLinks.has(name)) continue
      entries.push({ entry: { kind: 'directory', path, mode }, of: 'overlay' })
    } else if (stats.isSymbolicLink()) {
      entries.push({ entry: { kind: 'symlink', path, target: await readlink(source) }, of: 'overlay' })
    } else if (stats.isFile()) {
      entries.push({ entry: { kind: 'bytes', path, mode, bytes: await readFile(source) }, of: 'overlay' })
    } else throw new SiteFileUnusable(`Cannot pack ${source}: only files, directories and symlinks can be laid over`)
  }
  return entries
}

const mergedLinks = new Map([
  ['bin', 'usr/bin'],
  ['sbin', 'usr/bin'],
  ['lib', 'usr/lib'],
  ['lib64', 'usr/lib64'],
])

/** The kernel would replace the symlink /bin by the overlay's directory bin, and with it lose every program. */
function mergedUsr(path: string): string {
  const [first = '', ...rest] = path.split('/')
  const merged = [mergedLinks.get(first) ?? first, ...rest].join('/')
  return merged.replace(/^usr\/sbin(\/|$)/, 'usr/bin$1')
}

function bytes(path: string, content: Uint8Array, of: string): SegmentEntry {
  return { entry: { kind: 'bytes', path, mode: 0o644, bytes: content }, of }
}
