import { stat } from 'node:fs/promises'
import path from 'node:path'
import { mountForReading } from '../disk-image/mount-for-reading.ts'
import { probeFilesystem } from '../disk-image/probe-filesystem.ts'
import { ImageSourceInvalid, type ImportOptions } from '../image-source.ts'
import { PrivateMount } from '../private-mount.ts'
import type { LxcRootfs } from './lxc-config.ts'

export type RootfsContext = {
  /** What messages call the container. */
  source: string
  /** Whether the container may have its files mounted at this moment. */
  isRunning: boolean
  resources: AsyncDisposableStack
  /** For copies that go when it is imported. */
  temporaryDirectory: string
  options: ImportOptions
}

/** The directory under which a container's files can be read. Throws ImageSourceInvalid and ProgramFailed. */
export async function openRootfs(rootfs: LxcRootfs, context: RootfsContext): Promise<string> {
  const { kind, location } = rootfs
  switch (kind) {
    case 'dir':
    case 'btrfs':
      return location
    case 'overlay':
    case 'overlayfs':
      return mountOverlay(location, context)
    case 'loop':
    case 'lvm':
      return mountWhole(location, context)
    case 'path': {
      const stats = await stat(location).catch(() => undefined)
      return !stats || stats.isDirectory() ? location : mountWhole(location, context)
    }
    default: {
      const reason = `its files are on ${kind}:${location}, which is not opened here; mount it (${kind}) and import the directory`
      throw new ImageSourceInvalid(context.source, 'lxc.rootfs.path', reason)
    }
  }
}

/**
 * `LOWER:UPPER`, where LOWER may be several. All of them as lower layers: so nothing is written, a work directory is not
 * needed, and whiteouts and opaque directories count all the same.
 */
async function mountOverlay(location: string, context: RootfsContext): Promise<string> {
  const layers = location.split(/(?<!\\):/).map((layer) => layer.replace(/^(?:dir|btrfs):/, ''))
  if (layers.length < 2 || layers.some((layer) => !path.isAbsolute(layer))) {
    throw new ImageSourceInvalid(context.source, 'lxc.rootfs.path', `"${location}" is not LOWER:UPPER`)
  }
  requireRoot(context.source, 'laying an overlay')
  const upper = layers.pop()!
  const lowerdir = [upper, ...layers.reverse()].map(escapeOption).join(':')
  const mount = await PrivateMount.open('overlay', 'overlay', `ro,lowerdir=${lowerdir}`)
  return context.resources.use(mount).directory
}

/** A filesystem of its own, in a file or on a device: it cannot be mounted twice while somebody writes to it. */
async function mountWhole(file: string, context: RootfsContext): Promise<string> {
  const { source, isRunning, resources, options } = context
  if (isRunning) {
    const reason = `its files are in ${file}, which it has mounted; stop it, or let it be stopped for the import`
    throw new ImageSourceInvalid(source, undefined, reason)
  }
  requireRoot(source, 'mounting a filesystem')
  const found = await probeFilesystem(file)
  if (!found) throw new ImageSourceInvalid(source, file, 'it holds no filesystem that is known')
  const replays = { directory: context.temporaryDirectory, copies: new Map<string, string>() }
  const { onNotice, signal } = options
  return resources.use(await mountForReading(file, found, { source, replays, onNotice, signal })).directory
}

function requireRoot(source: string, what: string): void {
  if (process.geteuid?.() === 0) return
  throw new ImageSourceInvalid(source, undefined, `${what} is for root; run it as root`)
}

function escapeOption(text: string): string {
  return text.replace(/(?<!\\)[,\\]/g, '\\$&')
}
