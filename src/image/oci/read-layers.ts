import path from 'node:path'
import { ByteSource } from '../byte-source.ts'
import { ContentSpool } from '../content-spool.ts'
import type { ImportOptions } from '../image-source.ts'
import type { ImportSession } from '../import-session.ts'
import { openSourceStream } from '../source-stream.ts'
import { TarTreeReader } from '../tar-tree.ts'
import type { TreeBuilder } from '../tree-builder.ts'
import { checkDigest } from './digest-check.ts'
import { LayeredTree } from './layered-tree.ts'
import type { Layer } from './open-image.ts'

/**
 * Lays an image's layers onto each other, each read once from its start to its end and checked twice: as it is stored
 * and as it unpacks. Throws ImageSourceInvalid, which names the layer.
 */
export async function readLayers(
  source: string,
  layers: readonly Layer[],
  session: ImportSession,
  resources: AsyncDisposableStack,
  options: ImportOptions,
): Promise<TreeBuilder> {
  const spool = resources.use(await ContentSpool.create(path.join(session.directory, 'small-files')))
  const target = new LayeredTree()
  const bytesTotal = layers.reduce((sum, { part }) => sum + part.sizeBytes, 0)
  let bytesBefore = 0
  let entriesBefore = 0
  for (const [at, { part, digest, diffId }] of layers.entries()) {
    const what = `layer ${at + 1} of ${layers.length}${digest === undefined ? '' : ` (${digest})`}`
    const name = `${source}, ${what}`
    const stored = (bytes: AsyncIterable<Buffer>) => (digest ? checkDigest(bytes, { digest, source, what }) : bytes)
    const stream = await openSourceStream(part.file, { ...part, name, inspect: stored })
    const unpacked = checkDigest(stream.bytes, { digest: diffId, source, what: `${what}, unpacked` })
    await using bytes = new ByteSource(unpacked)
    const onEntries = (count: number) =>
      options.onProgress?.({
        bytesDone: bytesBefore + stream.bytesRead(),
        bytesTotal,
        entries: entriesBefore + count,
      })
    target.beginLayer()
    const { chunks } = session
    const tar = new TarTreeReader({ name, source: bytes, spool, chunks, target, signal: options.signal, onEntries })
    entriesBefore += await tar.run()
    bytesBefore += part.sizeBytes
  }
  return target.builder
}
