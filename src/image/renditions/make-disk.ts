import { type Repository, readTree } from '../repository.ts'
import { blocksOf, chunkBytes, type FileEntry, type Tree } from '../tree.ts'
import { type BlockMap, fullRow } from './block-map.ts'
import { BlockMapBuilder } from './block-map-builder.ts'
import { RenditionImpossible } from './rendition-impossible.ts'

/** The only file of a version that is a whole disk: its blocks are the disk's, holes are zeros that must be there. */
export const diskFileName = 'disk.raw'

/** The rows of a foreign disk are those of its version's file: no byte is read and no chunk made. */
export async function makeDiskMap(repository: Repository, versionId: string): Promise<BlockMap> {
  const tree = await readTree(repository, versionId)
  const file = diskFileOf(tree)
  if (file) return mapOfFile(tree, file)
  const reason = `it was not imported as a whole disk (its tree is not a single ${diskFileName}); use its tree or a volume`
  throw new RenditionImpossible(versionId, 'disk', reason)
}

function diskFileOf({ entries: [root, file, ...more] }: Tree): FileEntry | undefined {
  const isDisk = root?.type === 'directory' && file?.type === 'file' && file.path === diskFileName && more.length === 0
  return isDisk ? file : undefined
}

function mapOfFile(tree: Tree, file: FileEntry): BlockMap {
  const builder = new BlockMapBuilder()
  for (const { block, row } of blocksOf(file)) {
    while (builder.rowCount < block) builder.addRowWithoutChunk(fullRow)
    builder.addKnownRow(tree.chunks.ids.subarray(row * 32, row * 32 + 32), fullRow)
  }
  while (builder.rowCount < Math.ceil(file.sizeBytes / chunkBytes)) builder.addRowWithoutChunk(fullRow)
  return builder.finish(file.sizeBytes)
}
