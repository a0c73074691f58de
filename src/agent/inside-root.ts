import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

const linkLimit = 40
const readLimitBytes = 1 << 20

/** A path of the image cannot be used: links in a circle, a device where a file belongs, a file too long to be what it claims. */
export class UnusablePath extends Error {
  override readonly name = 'UnusablePath'

  constructor(path: string, reason: string, cause?: unknown) {
    super(`Cannot use ${path} of the image: ${reason}`, { cause })
  }
}

export type FileOwner = { uid: number; gid: number }

/**
 * Files of a tree that is not trusted, by the paths the deployed system will know them by. Symbolic links are resolved
 * as if `directory` were the root: absolute ones start there, `..` stops there. Files are written aside and renamed,
 * so a link in the place of the file is replaced, never followed. Nothing else may change the tree meanwhile.
 */
export class InsideRoot {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  /** The real path of a directory, which is made (with its parents) when it is missing. */
  makeDirectory(path: string, mode = 0o755): string {
    const names = this.#resolve(path, true)
    for (let depth = 1; depth <= names.length; depth++) {
      const real = join(this.directory, ...names.slice(0, depth))
      const stats = statOf(real)
      if (stats === undefined) {
        mkdirSync(real)
        chmodSync(real, depth === names.length ? mode : 0o755) // whatever the umask is
      } else if (!stats.isDirectory())
        throw new UnusablePath(path, `/${names.slice(0, depth).join('/')} is not a directory`)
    }
    return join(this.directory, ...names)
  }

  /** Undefined when there is no such file. Reads at most 1 MiB of a regular file. */
  readText(path: string): string | undefined {
    const real = this.#real(path, true)
    const stats = statOf(real)
    if (stats === undefined) return undefined
    // A FIFO or device would block or do worse when opened.
    if (!stats.isFile()) throw new UnusablePath(path, 'it is not a regular file')
    const file = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      if (fstatSync(file).size > readLimitBytes) throw new UnusablePath(path, 'it is longer than 1 MiB')
      return readFileSync(file, 'utf8')
    } finally {
      closeSync(file)
    }
  }

  /** Makes or replaces a regular file, of root's where no owner is given, its directories included. */
  writeText(path: string, text: string, mode = 0o644, { uid, gid }: FileOwner = { uid: 0, gid: 0 }): void {
    const { directory, name } = this.#place(path)
    const aside = join(directory, `.bootwright-${randomBytes(6).toString('hex')}`)
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const file = openSync(aside, flags, 0o600)
    try {
      writeFileSync(file, text)
      fchmodSync(file, mode)
    } finally {
      closeSync(file)
    }
    chownSync(aside, uid, gid)
    renameSync(aside, join(directory, name))
  }

  /** Makes or replaces a symbolic link; `target` is written as it is. */
  link(path: string, target: string): void {
    const { directory, name } = this.#place(path)
    const aside = join(directory, `.bootwright-${randomBytes(6).toString('hex')}`)
    symlinkSync(target, aside)
    renameSync(aside, join(directory, name))
  }

  /** The path without links in it, as the deployed system will know it; there may be nothing. */
  followLinks(path: string): string {
    return `/${this.#resolve(path, true).join('/')}`
  }

  /** Where a regular file really is, for a program that reads it by path; undefined when there is none. */
  realFile(path: string): string | undefined {
    const real = this.#real(path, true)
    return statOf(real)?.isFile() ? real : undefined
  }

  /** Removes a file or link itself, never what a link points to; no complaint when there is none. */
  remove(path: string): void {
    rmSync(this.#real(path, false), { force: true })
  }

  /** What is there, links followed inside the root. */
  stat(path: string): Stats | undefined {
    return statOf(this.#real(path, true))
  }

  isSymbolicLink(path: string): boolean {
    return statOf(this.#real(path, false))?.isSymbolicLink() ?? false
  }

  isExecutable(path: string): boolean {
    const stats = this.stat(path)
    return stats?.isFile() === true && (stats.mode & 0o111) !== 0
  }

  /** Names in a directory, sorted; none when it is missing or something else. */
  list(path: string): string[] {
    const real = this.#real(path, true)
    return statOf(real)?.isDirectory() ? readdirSync(real).sort() : []
  }

  /** Where a new entry goes: the real directory, made when missing, and the entry's own name. */
  #place(path: string): { directory: string; name: string } {
    const names = path.split('/').filter((name) => name !== '')
    const name = names.pop()
    if (name === undefined || name === '.' || name === '..') throw new UnusablePath(path, 'it does not name a file')
    return { directory: this.makeDirectory(names.join('/')), name }
  }

  #real(path: string, followLast: boolean): string {
    return join(this.directory, ...this.#resolve(path, followLast))
  }

  /** Walks the path name by name; what it returns has no link in it (but for the last name, if it is not followed). */
  #resolve(path: string, followLast: boolean): string[] {
    const pending = path.split('/').reverse()
    const names: string[] = []
    let links = 0
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue
      if (name === '..') {
        names.pop()
        continue
      }
      const real = join(this.directory, ...names, name)
      const isLast = pending.every((rest) => rest === '' || rest === '.')
      if ((followLast || !isLast) && statOf(real)?.isSymbolicLink()) {
        if (++links > linkLimit) throw new UnusablePath(path, `more than ${linkLimit} symbolic links`)
        const target = readlinkSync(real)
        if (target.startsWith('/')) names.length = 0
        pending.push(...target.split('/').reverse())
      } else names.push(name)
    }
    return names
  }
}

/** Undefined also where a file stands in the place of a directory. */
function statOf(real: string): Stats | undefined {
  return lstatSync(real, { throwIfNoEntry: false })
}
