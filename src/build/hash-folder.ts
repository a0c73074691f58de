import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** Of the names, modes and contents under a folder, in the order of their paths; times do not count. Hexadecimal. */
export async function hashFolder(directory: string): Promise<string> {
  const hash = createHash('sha256')
  const names = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = names.map((entry) => join(entry.parentPath, entry.name)).sort()
  for (const path of paths) {
    const entry = await lstat(path)
    hash.update(JSON.stringify([relative(directory, path), entry.mode, entry.isFile() ? entry.size : 0]))
    if (entry.isSymbolicLink()) hash.update(await readlink(path))
    else if (entry.isFile()) hash.update(await readFile(path))
  }
  return hash.digest('hex')
}
