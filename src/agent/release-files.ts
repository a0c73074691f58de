import { type Dirent, readdirSync } from 'node:fs'
import { pathBelow } from '../image/entry-metadata.ts'
import { decodeFileName } from '../image/file-name.ts'
import { clearProtection } from '../linux/inode-flags.ts'
import { isKept } from './kept-paths.ts'

/** Lets go of whatever was made immutable on a filesystem (chattr +i), but for kept paths. Links are not followed. */
export function releaseFiles(directory: string, keptPaths: readonly string[]): void {
  clearProtection(directory)
  const waiting = ['']
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const { name, isDirectory } of namesIn(pathBelow(directory, path))) {
      const below = path === '' ? name : `${path}/${name}`
      if (isKept(below, keptPaths)) continue
      clearProtection(pathBelow(directory, below))
      if (isDirectory) waiting.push(below)
    }
  }
}

/** Files and directories: nothing else can have such a flag. */
function namesIn(full: string | Buffer): { name: string; isDirectory: boolean }[] {
  const found = readdirSync(full, { encoding: 'buffer', withFileTypes: true }) as unknown as Dirent<Buffer>[]
  return found
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({ name: decodeFileName(entry.name), isDirectory: entry.isDirectory() }))
}
