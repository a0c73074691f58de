import { type ChunkTable, chunkIdOfRow, type Metadata, type Tree, type TreeEntry } from './tree.ts'

export const treeFormat = 'bootwright-tree-1'

const linesAtOnce = 1000

/**
 * Canonical bytes of a tree manifest: newline-delimited JSON, one header line, one line an entry, one line a row of the
 * chunk table. Keys stand in one fixed order and defaults are left out, so that equal trees give equal bytes; their
 * SHA-256 is the version id. The tree must already be in canonical order (tree-builder.ts makes it so).
 */
export function encodeManifest(tree: Tree): Buffer {
  const parts: Buffer[] = []
  let lines: string[] = []
  const add = (line: object) => {
    lines.push(JSON.stringify(line))
    if (lines.length === linesAtOnce) flush()
  }
  const flush = () => {
    if (lines.length > 0) parts.push(Buffer.from(`${lines.join('\n')}\n`))
    lines = []
  }
  add(headerLine(tree))
  for (const entry of tree.entries) add(entryLine(entry))
  for (let row = 0; row < tree.chunks.count; row++) add(chunkLine(tree.chunks, row))
  flush()
  return Buffer.concat(parts)
}

function headerLine(tree: Tree): object {
  const { entries, chunks, sizeBytes } = tree
  return { format: treeFormat, entries: entries.length, chunks: chunks.count, sizeBytes }
}

function chunkLine(chunks: ChunkTable, row: number): object {
  return { chunk: chunkIdOfRow(chunks, row), size: chunks.sizes[row] }
}

/** A directory's line carries its whole path; what follows, up to the next directory, is in it and has only its name. */
function entryLine(entry: TreeEntry): object {
  if (entry.type === 'directory') return { directory: entry.path, ...metadataFields(entry) }
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
  if (entry.type === 'link') return { name, type: 'link', group: entry.group }
  return { name, type: entry.type, ...metadataFields(entry), ...contentFields(entry), ...groupField(entry.group) }
}

function contentFields(entry: Exclude<TreeEntry, { type: 'link' | 'directory' }>): object {
  switch (entry.type) {
    case 'file': {
      const { sizeBytes: size, row, at, holes } = entry
      if (size === 0) return { size }
      return { size, row, ...(at > 0 && { at }), ...(holes.length > 0 && { holes }) }
    }
    case 'symlink':
      return { target: entry.target }
    case 'fifo':
      return {}
    default:
      return { device: [entry.major, entry.minor] }
  }
}

function groupField(group: number | undefined): object {
  return group === undefined ? {} : { group }
}

function metadataFields(metadata: Metadata): object {
  const { mode, uid, gid, mtimeSeconds, mtimeNanoseconds, xattrs } = metadata
  return {
    mode: mode.toString(8).padStart(4, '0'),
    ...(uid !== 0 && { uid }),
    ...(gid !== 0 && { gid }),
    mtime: mtimeSeconds,
    ...(mtimeNanoseconds !== 0 && { nanoseconds: mtimeNanoseconds }),
    ...(xattrs.length > 0 && { xattrs: xattrs.map(({ name, value }) => [name, value.toString('base64')]) }),
  }
}
