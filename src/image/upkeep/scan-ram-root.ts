import { createHash, hash } from 'node:crypto'
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import path from 'node:path'
import type { RamRootForm } from '../renditions/rendition-name.ts'
import { ramRootForms } from '../renditions/rendition-name.ts'
import { pieceBytes, type RamRoot, type RamRootFile, ramRootFormat } from '../renditions/stored-ram-root.ts'
import { isId, ramRootDirectory } from '../repository-layout.ts'

/** What a version runs from memory with, in one of the two forms. */
export type RamRootName = { version: string; form: RamRootForm }

export type RamRootScan = RamRootName & {
  /** Names of files in its directory, and what is wrong with each. */
  problems: { file: string; reason: string }[]
  bytesRead: number
}

/** All there is a directory for, whole or not. */
export function listRamRootNames(directory: string): RamRootName[] {
  const versions = readdirSync(path.join(directory, 'versions')).filter(isId).sort()
  return versions.flatMap((version) =>
    ramRootForms
      .filter((form) => existsSync(ramRootDirectory(directory, version, form)))
      .map((form) => ({ version, form })),
  )
}

/** Reads every file and compares it with what is recorded of it, with synchronous calls: for a worker. */
export function scanRamRoot(directory: string, name: RamRootName): RamRootScan {
  const place = ramRootDirectory(directory, name.version, name.form)
  const scan: RamRootScan = { ...name, problems: [], bytesRead: 0 }
  const index = tryRead(() => readIndex(place, name))
  if (typeof index === 'string') {
    // The version may have been removed meanwhile.
    if (existsSync(place)) scan.problems.push({ file: 'index.json', reason: index })
    return scan
  }
  for (const file of index.files) {
    const problem = tryRead(() => compareFile(place, file))
    if (problem !== undefined) scan.problems.push({ file: file.name, reason: problem })
    scan.bytesRead += file.sizeBytes
  }
  return scan
}

/** What another revision of this program made is never used again, and so has nothing to compare; a text says what is wrong. */
function readIndex(place: string, { version, form }: RamRootName): Pick<RamRoot, 'files'> | string {
  const index = JSON.parse(readFileSync(path.join(place, 'index.json'), 'utf8')) as RamRoot
  if (index.format !== ramRootFormat) return { files: [] }
  if (index.version !== version || index.form !== form) return 'it is of another version or form'
  const areNamesPlain = index.files.every(({ name }) => path.basename(name) === name)
  return areNamesPlain ? index : 'it names files outside of its directory'
}

/** What is wrong with a file; undefined for one that is as it was made. */
function compareFile(place: string, { name, sizeBytes, sha256, pieces }: RamRootFile): string | undefined {
  const fd = openSync(path.join(place, name), 'r')
  try {
    const { size } = fstatSync(fd)
    if (size !== sizeBytes) return `it has ${size} bytes, and was made with ${sizeBytes}`
    const total = createHash('sha256')
    const buffer = Buffer.allocUnsafe(pieceBytes)
    for (const [number, piece] of pieces.entries()) {
      const read = buffer.subarray(0, readSync(fd, buffer, 0, pieceBytes, number * pieceBytes))
      if (hash('sha256', read) !== piece) return `from ${number * 4} MiB on it is not what was made`
      total.update(read)
    }
    return total.digest('hex') === sha256 ? undefined : 'it is not what was made'
  } finally {
    closeSync(fd)
  }
}

function tryRead<Value>(read: () => Value): Value | string {
  try {
    return read()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return 'it is not there'
    if (error instanceof SyntaxError || error instanceof TypeError) return 'it cannot be read as JSON'
    if (code !== undefined) return message
    throw error
  }
}
