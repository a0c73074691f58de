import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { ImageSourceInvalid } from '../image-source.ts'
import type { IdRange } from '../owner-map.ts'

/** Where a container's files are: `kind` as lxc.rootfs.path has it before the colon, `path` where it names none. */
export type LxcRootfs = { kind: string; location: string }

export type LxcConfig = {
  rootfs: LxcRootfs | undefined
  /** Shifts of owners on the disk; empty where there are none. */
  idRanges: readonly IdRange[]
  isEphemeral: boolean
  /** The file itself, for the version's statement: without lxc.environment, where secrets stand. */
  text: string
}

const maxIncludes = 100
const rootfsKinds = ['dir', 'btrfs', 'overlay', 'overlayfs', 'aufs', 'zfs', 'lvm', 'loop', 'nbd', 'rbd']
/** LXC 2.0's names of what is used here. */
const oldKeys: Record<string, string> = {
  'lxc.rootfs': 'lxc.rootfs.path',
  'lxc.rootfs.backend': 'lxc.rootfs.backend',
  'lxc.id_map': 'lxc.idmap',
}

/** Reads a container's configuration with the files that it includes: lxc.container.conf(5). Throws ImageSourceInvalid. */
export async function readLxcConfig(file: string): Promise<LxcConfig> {
  const reading = new ConfigReading(file)
  const text = await reading.read(file)
  const rootfs = reading.values.get('lxc.rootfs.path')?.at(-1)
  const options = reading.values.get('lxc.rootfs.options')?.at(-1) ?? ''
  // With idmap= the kernel shifts owners when it mounts: on the disk they are as inside.
  const isShifted = !options.split(',').some((option) => option.startsWith('idmap='))
  const ranges = (reading.values.get('lxc.idmap') ?? []).map((value) => parseIdRange(file, value))
  return {
    rootfs: rootfs === undefined ? undefined : parseRootfs(rootfs),
    idRanges: isShifted ? ranges : [],
    isEphemeral: reading.values.get('lxc.ephemeral')?.at(-1) === '1',
    text: text.replace(/^[ \t]*lxc\.environment.*\n?/gm, ''),
  }
}

class ConfigReading {
  readonly values = new Map<string, string[]>()
  readonly #first: string
  #files = 0

  constructor(first: string) {
    this.#first = first
  }

  async read(file: string): Promise<string> {
    if (++this.#files > maxIncludes) throw this.#invalid(file, `more than ${maxIncludes} files are included`)
    const text = await readFile(file, 'utf8').catch((cause: Error) => {
      throw this.#invalid(file, cause.message, cause)
    })
    for (const line of text.split('\n')) {
      const [, written, value] = /^\s*([^#\s=][^\s=]*)\s*=\s*(.*?)\s*$/.exec(line) ?? []
      if (written === undefined || value === undefined) continue
      const key = oldKeys[written] ?? written
      if (key === 'lxc.include') await this.#include(value)
      else if (value === '') this.values.delete(key)
      else this.values.set(key, [...(this.values.get(key) ?? []), value])
    }
    return text
  }

  async #include(file: string): Promise<void> {
    if (!(await stat(file).catch(() => undefined))?.isDirectory()) {
      await this.read(file)
      return
    }
    const names = (await readdir(file)).filter((name) => name.endsWith('.conf')).sort()
    for (const name of names) await this.read(path.join(file, name))
  }

  #invalid(file: string, reason: string, cause?: unknown): ImageSourceInvalid {
    return new ImageSourceInvalid(this.#first, file === this.#first ? undefined : file, reason, { cause })
  }
}

function parseRootfs(value: string): LxcRootfs {
  const [, kind, location] = /^([a-z]+):(.+)$/s.exec(value) ?? []
  if (kind !== undefined && location !== undefined && rootfsKinds.includes(kind)) return { kind, location }
  return { kind: 'path', location: value }
}

/** `u 0 100000 65536`: kind, first id inside, first id outside, how many. */
function parseIdRange(file: string, value: string): IdRange {
  const [, kind, inside, outside, count] = /^([ug])\s+(\d+)\s+(\d+)\s+(\d+)$/.exec(value) ?? []
  if (kind === undefined) throw new ImageSourceInvalid(file, 'lxc.idmap', `"${value}" is no id map`)
  const numbers = { inside: Number(inside), outside: Number(outside), count: Number(count) }
  return { kind: kind === 'u' ? 'user' : 'group', ...numbers }
}
