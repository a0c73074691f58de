import path from 'node:path'
import { ByteSource } from './byte-source.ts'
import { ContentSpool } from './content-spool.ts'
import { ImageSourceInvalid, type ImportOptions } from './image-source.ts'
import { importVersion } from './import-version.ts'
import type { VersionDescription } from './publish-version.ts'
import type { Repository, Version } from './repository.ts'
import { openSourceStream } from './source-stream.ts'
import { TarTreeReader } from './tar-tree.ts'
import { TreeBuilder } from './tree-builder.ts'

/**
 * Imports a tar (ustar, pax, GNU; plain or compressed by gzip, zstd, xz or bzip2) as a version, which becomes the image's
 * `current` one. Needs no root. The same tar always gives the same version id. Throws ImageSourceInvalid; leaves nothing
 * behind then.
 */
export async function importTar(
  repository: Repository,
  file: string,
  options: VersionDescription & ImportOptions,
): Promise<Version> {
  return importVersion(repository, { kind: 'tar', name: file }, options, async ({ chunks, directory }, resources) => {
    const stream = await openSourceStream(file)
    const { bytesRead, bytesTotal } = stream
    const source = resources.use(new ByteSource(stream.bytes))
    const spool = resources.use(await ContentSpool.create(path.join(directory, 'small-files')))
    const builder = new TreeBuilder()
    const entries = await new TarTreeReader({
      name: file,
      source,
      spool,
      chunks,
      target: builder,
      signal: options.signal,
      onEntries: (entries) => options.onProgress?.({ bytesDone: bytesRead(), bytesTotal, entries }),
    }).run()
    if (entries === 0) throw new ImageSourceInvalid(file, undefined, 'it holds no files')
    return { builder }
  })
}
