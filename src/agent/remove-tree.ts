import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { pathBelow } from '../image/entry-metadata.ts'
import { decodeFileName } from '../image/file-name.ts'
import { leadsToKept } from './kept-paths.ts'

/**
 * Removes what is at a path, and below it; kept paths and the way to them stay. Links are removed, never followed. Names
 * may be any bytes, which is why this is not Node's own.
 */
export function removeTree(directory: string, path: string, keptPaths: readonly string[] = []): void {
  const full = pathBelow(directory, path)
  const isOnTheWay = leadsToKept(path, keptPaths)
  if (keptPaths.includes(path)) return
  if (!lstatSync(full, { throwIfNoEntry: false })?.isDirectory()) {
    unlinkSync(full)
    return
  }
  for (const name of readdirSync(full, { encoding: 'buffer' })) {
    removeTree(directory, `${path}/${decodeFileName(name)}`, keptPaths)
  }
  if (!isOnTheWay) rmdirSync(full)
}
