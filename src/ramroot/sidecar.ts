import { encodeFileName } from '../image/file-name.ts'
import type { Member } from '../image/group-members.ts'
import type { Entry, Xattr } from '../image/tree.ts'

/**
 * What of a tree's metadata a form cannot hold, to be put back at boot. `attributes` is what `setfattr --restore` reads,
 * `times` arguments for `xargs -0 -n 3 touch`; both name paths from the root on.
 */
export type Sidecar = { attributes: Buffer; times: Buffer; attributeCount: number; timeCount: number }

export type SidecarRules = {
  keepsAttribute: (name: string) => boolean
  /** The time of a file as the form has it; an equal one is not put back. */
  keepsTime: (seconds: number, nanoseconds: number) => boolean
}

export function makeSidecar(members: Iterable<Member>, rules: SidecarRules): Sidecar {
  const attributes: Buffer[] = []
  const times: Buffer[] = []
  let [attributeCount, timeCount] = [0, 0]
  for (const { path, node, firstPath } of members) {
    if (firstPath !== undefined) continue // the first name of it is enough
    // The root's own are those of the directory that is mounted over it.
    const isRoot = path === ''
    const lost = node.xattrs.filter(({ name }) => isRoot || !rules.keepsAttribute(name))
    if (lost.length > 0) attributes.push(dumpOf(path, lost))
    attributeCount += lost.length
    // An overlay takes an ACL only for what was copied up into it, which the setting of its time does.
    if (lost.length === 0 && !isRoot && rules.keepsTime(node.mtimeSeconds, node.mtimeNanoseconds)) continue
    times.push(touchOf(path, node))
    timeCount++
  }
  return { attributes: Buffer.concat(attributes), times: Buffer.concat(times), attributeCount, timeCount }
}

/** As `getfattr --dump --encoding=hex` writes it. */
function dumpOf(path: string, xattrs: readonly Xattr[]): Buffer {
  const lines = xattrs.map(
    ({ name, value }) => `${escaped(name)}=${value.length === 0 ? '""' : `0x${value.toString('hex')}`}`,
  )
  return Buffer.from(`# file: ${escaped(path === '' ? '.' : path)}\n${lines.join('\n')}\n\n`)
}

/** What is no plain letter of a path stands as a backslash and three octal digits. */
function escaped(name: string): string {
  const bytes = encodeFileName(name)!
  let text = ''
  for (const byte of bytes) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x5c && byte !== 0x3d && byte !== 0x23
    text += isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
  }
  return text
}

/** Nanoseconds count upwards from the seconds, in touch's own reading too: `-2.000000005` would count downwards. */
function touchOf(path: string, { mtimeSeconds, mtimeNanoseconds }: Entry): Buffer {
  const fraction = `${mtimeNanoseconds}`.padStart(9, '0')
  const time =
    mtimeSeconds >= 0 || mtimeNanoseconds === 0
      ? `@${mtimeSeconds}.${fraction}`
      : `@${mtimeSeconds + 1 === 0 ? '-0' : mtimeSeconds + 1}.${`${1_000_000_000 - mtimeNanoseconds}`.padStart(9, '0')}`
  return Buffer.concat([Buffer.from(`-d\0${time}\0./`), encodeFileName(path)!, Buffer.of(0)])
}
