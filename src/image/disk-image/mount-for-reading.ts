import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { ImageSourceInvalid, type ImportOptions } from '../image-source.ts'
import { PrivateMount } from '../private-mount.ts'
import type { Filesystem, Stretch } from './probe-filesystem.ts'

type Mountable = {
  /** mount(8)'s type, which is not always blkid's. */
  type: string
  always: string
}

const copyTimeoutMs = 24 * 3_600_000

const ext: Mountable = { type: 'ext4', always: '' }
const mountable: Record<string, Mountable> = {
  ext2: ext,
  ext3: ext,
  ext4: ext,
  xfs: { type: 'xfs', always: 'nouuid' },
  btrfs: { type: 'btrfs', always: '' },
  vfat: { type: 'vfat', always: 'tz=UTC,iocharset=utf8,uid=0,gid=0,umask=0022' },
}

export function isMountable({ type }: Filesystem): boolean {
  return Object.hasOwn(mountable, type)
}

/**
 * Copies of disks whose journals had to be replayed, by the file they are copies of, and where they are made. What a
 * journal holds is nowhere else yet, and replaying it writes.
 */
export type Replays = { directory: string; copies: Map<string, string> }

export type MountContext = Pick<ImportOptions, 'onNotice' | 'signal'> & {
  replays: Replays
  /** What messages call the disk, and the place in it. */
  source: string
  where?: string | undefined
  stretch?: Stretch | undefined
  /** Of a btrfs; its default one where it is not given. */
  subvolume?: string | undefined
}

/**
 * Mounts a filesystem from a file or device through a read-only loop device, so that not one byte of it changes; one that
 * was not unmounted, from a copy on which its journal is replayed. Needs root. Throws ImageSourceInvalid.
 */
export async function mountForReading(file: string, found: Filesystem, context: MountContext): Promise<PrivateMount> {
  const { source, where = file, replays } = context
  const kind = mountable[found.type]
  if (!kind) throw new ImageSourceInvalid(source, where, `it is ${found.type}, which cannot be read as files`)
  const options = mountOptions(kind, context)
  try {
    return await PrivateMount.open(replays.copies.get(file) ?? file, kind.type, `ro,${options}`)
  } catch (cause) {
    if (!(cause instanceof ProgramFailed)) throw cause
    // A journal that has to be replayed is a write, which the device refuses; of btrfs, mount knows no better words.
    if (/read-only|can't read superblock/i.test(cause.message))
      return await mountReplayed(file, kind.type, options, context)
    throw new ImageSourceInvalid(source, where, explain(cause, found), { cause })
  }
}

function mountOptions(kind: Mountable, { stretch, subvolume }: MountContext): string {
  const options = [
    'loop',
    ...(stretch ? [`offset=${stretch.startBytes}`, `sizelimit=${stretch.sizeBytes}`] : []),
    ...(kind.always === '' ? [] : [kind.always]),
    ...(subvolume === undefined ? [] : [`subvol=/${subvolume.replace(/^\/+/, '')}`]),
  ]
  return options.join(',')
}

async function mountReplayed(
  file: string,
  type: string,
  options: string,
  context: MountContext,
): Promise<PrivateMount> {
  const { source, where = file, onNotice, replays, signal } = context
  try {
    const copy = replays.copies.get(file) ?? (await copyDisk(file, replays.directory, signal))
    replays.copies.set(file, copy)
    const mount = await PrivateMount.open(copy, type, options)
    onNotice?.({ where, reason: 'it was not unmounted: its journal is replayed on a copy' })
    return mount
  } catch (cause) {
    signal?.throwIfAborted()
    if (!(cause instanceof ProgramFailed)) throw cause
    const reason = `it was not unmounted, and its journal cannot be replayed on a copy: ${cause.message}`
    throw new ImageSourceInvalid(source, where, reason, { cause })
  }
}

async function copyDisk(file: string, directory: string, signal: AbortSignal | undefined): Promise<string> {
  const copy = path.join(directory, `replayed.${randomBytes(6).toString('hex')}`)
  const args = ['--reflink=auto', '--sparse=always', '--', file, copy]
  await runProgram('cp', args, { timeoutMs: copyTimeoutMs, signal })
  return copy
}

function explain(cause: ProgramFailed, { type, uuid }: Filesystem): string {
  const known = `its ${type} ${uuid ?? ''} cannot be mounted: ${cause.message.trim()}`
  if (/unknown filesystem type/.test(cause.message)) return `${known}; this machine's kernel lacks its driver`
  const isTwice = type === 'btrfs' && /File exists/.test(cause.message)
  return isTwice ? `${known}; a btrfs of the same id is mounted here: unmount that first` : known
}
