import { fileNameByteLength } from './file-name.ts'
import { maxNameBytes, maxPathBytes } from './tree.ts'

type Located = { kind: 'located'; path: string } | { kind: 'refused'; reason: string }

type Directory = { path: string; names: Set<string>; lastMember: string; lastDirectory: string }

/**
 * The canonical order of a tree's paths, checked one by one: the root first, each directory followed by what is in it by
 * name, then its directories by name, each in the same way. Names compare by UTF-16 code units. Holds the names of the
 * directories on the way to the present one only.
 */
export class PathOrder {
  /** The present directory and those above it, the root first. */
  readonly #above: Directory[] = []

  /** Gives why the directory may not stand here, undefined when it may. */
  enterDirectory(path: string): string | undefined {
    const refusal = this.#above.length === 0 ? this.#enterRoot(path) : this.#enterBelow(path)
    if (refusal === undefined) this.#above.push({ path, names: new Set(), lastMember: '', lastDirectory: '' })
    return refusal
  }

  /** A name in the present directory of something that is no directory. */
  addMember(name: string): Located {
    const directory = this.#above.at(-1)
    if (directory === undefined) return refused(name, 'no directory stands before it')
    const refusal = nameRefusal(name)
    if (refusal !== undefined) return refused(name, refusal)
    if (name <= directory.lastMember) return refused(name, 'it is not in order')
    directory.lastMember = name
    directory.names.add(name)
    const path = directory.path === '' ? name : `${directory.path}/${name}`
    if (!(fileNameByteLength(path) <= maxPathBytes)) return refused(name, `its path is over ${maxPathBytes} bytes`)
    return { kind: 'located', path }
  }

  #enterRoot(path: string): string | undefined {
    return path === '' ? undefined : `the first directory is ${quoted(path)}, not the root`
  }

  #enterBelow(path: string): string | undefined {
    const slash = path.lastIndexOf('/')
    const [parent, name] = slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)]
    if (slash === 0) return `the directory ${quoted(path)} is not below the root`
    while (this.#above.length > 0 && this.#above.at(-1)!.path !== parent) this.#above.pop()
    const directory = this.#above.at(-1)
    if (directory === undefined) return `the directory ${quoted(path)} does not stand behind the one it is in`
    const refusal = nameRefusal(name)
    if (refusal !== undefined) return `the directory ${quoted(path)} may not stand here: ${refusal}`
    if (name <= directory.lastDirectory) return `the directory ${quoted(path)} is not in order`
    if (directory.names.has(name)) return `${quoted(path)} stands twice`
    if (!(fileNameByteLength(path) <= maxPathBytes)) return `the path ${quoted(path)} is over ${maxPathBytes} bytes`
    directory.lastDirectory = name
    return undefined
  }
}

/** Why this cannot be a name in a directory; undefined when it can. */
export function nameRefusal(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return `"${name}" names no file of its own`
  if (name.includes('/') || name.includes('\0')) return 'a slash or NUL is in the name'
  if (!(fileNameByteLength(name) <= maxNameBytes)) return `the name is over ${maxNameBytes} bytes, or the text of none`
  return undefined
}

function refused(name: string, reason: string): Located {
  return { kind: 'refused', reason: `${quoted(name)} may not stand here: ${reason}` }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text)
}
