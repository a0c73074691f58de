import { ProgramFailed } from '../../programs/run-program.ts'
import { ImageSourceInvalid, type ImportOptions } from '../image-source.ts'
import { PrivateMount } from '../private-mount.ts'
import type { Filesystem, Stretch } from './probe-filesystem.ts'

type Mountable = {
  /** mount(8)'s type, which is not always blkid's. */
  type: string
  always: string
  /** Makes the kernel leave a journal alone that is not clean: a read-only loop device cannot take what it holds. */
  withoutJournal: string | undefined
}

const ext: Mountable = { type: 'ext4', always: '', withoutJournal: 'noload' }
const mountable: Record<string, Mountable> = {
  ext2: ext,
  ext3: ext,
  ext4: ext,
  xfs: { type: 'xfs', always: 'nouuid', withoutJournal: 'norecovery' },
  btrfs: { type: 'btrfs', always: '', withoutJournal: 'rescue=nologreplay' },
  vfat: { type: 'vfat', always: 'tz=UTC,iocharset=utf8,uid=0,gid=0,umask=0022', withoutJournal: undefined },
}

export function isMountable({ type }: Filesystem): boolean {
  return Object.hasOwn(mountable, type)
}

export type MountContext = Pick<ImportOptions, 'onNotice'> & {
  /** What messages call the disk, and the place in it. */
  source: string
  where?: string | undefined
  stretch?: Stretch | undefined
  /** Of a btrfs; its default one where it is not given. */
  subvolume?: string | undefined
}

/**
 * Mounts a filesystem from a file or device through a read-only loop device, so that not one byte of it changes. Needs
 * root. Throws ImageSourceInvalid.
 */
export async function mountForReading(file: string, found: Filesystem, context: MountContext): Promise<PrivateMount> {
  const { source, where = file, stretch, subvolume, onNotice } = context
  const kind = mountable[found.type]
  if (!kind) throw new ImageSourceInvalid(source, where, `it is ${found.type}, which cannot be read as files`)
  const options = [
    'ro,loop',
    ...(stretch ? [`offset=${stretch.startBytes}`, `sizelimit=${stretch.sizeBytes}`] : []),
    ...(kind.always === '' ? [] : [kind.always]),
    ...(subvolume === undefined ? [] : [`subvol=/${subvolume.replace(/^\/+/, '')}`]),
  ]
  try {
    return await PrivateMount.open(file, kind.type, options.join(','))
  } catch (cause) {
    if (!(cause instanceof ProgramFailed)) throw cause
    const mount = kind.withoutJournal && (await mountUnclean(file, kind, options))
    if (!mount) throw new ImageSourceInvalid(source, where, explain(cause, found), { cause })
    const advice = 'start what it belongs to, shut it down, and import it again to have them'
    const reason = `it was not unmounted, and its journal is left alone: what was written last may be missing; ${advice}`
    onNotice?.({ where, reason })
    return mount
  }
}

async function mountUnclean(file: string, kind: Mountable, options: string[]): Promise<PrivateMount | undefined> {
  try {
    return await PrivateMount.open(file, kind.type, [...options, kind.withoutJournal].join(','))
  } catch (error) {
    if (error instanceof ProgramFailed) return undefined // the first failure says more
    throw error
  }
}

function explain(cause: ProgramFailed, { type, uuid }: Filesystem): string {
  const known = `its ${type} ${uuid ?? ''} cannot be mounted: ${cause.message}`
  const isTwice = type === 'btrfs' && /File exists/.test(cause.message)
  return isTwice ? `${known}; a btrfs of the same id is mounted here: unmount that first` : known
}
