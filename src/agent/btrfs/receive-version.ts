import { join } from 'node:path'
import { decodeLocations } from '../../image/locations.ts'
import { receiveSubvolume } from '../../image/renditions/btrfs-receive.ts'
import { formatRenditionName } from '../../image/renditions/rendition-name.ts'
import { fetchBlockLocations, openBlockRendition } from '../blocks/open-block-rendition.ts'
import type { VersionOptions } from '../open-version.ts'
import { VersionSource } from '../write-tree-source.ts'
import { fetchStream } from './fetch-stream.ts'
import { makeWorkDirectory } from './kept-versions.ts'
import { showSubvolume } from './subvolume.ts'

/** What btrfs received is not what a stream leaves. */
export class NotReceived extends Error {
  override readonly name = 'NotReceived'
}

/** `directory` is a directory of work/ with the version's subvolume in it. */
export type ReceivedVersion = { directory: string; bytesFetched: number; streamBytes: number }

/**
 * Receives a version into work/ of the pool; against `parent`, which the pool has, where it is given. The stream is signed,
 * so what it makes is what the server made; that the files are the version's is for verifyTree() to say.
 * Throws RenditionRefused, ChunkInvalid, FetchFailed, ProgramFailed (of btrfs), NotReceived.
 */
export async function receiveVersion(
  pool: string,
  options: VersionOptions & { onProgress?: ((bytesDone: number, bytesTotal: number) => void) | undefined },
  parent: string | undefined,
): Promise<ReceivedVersion> {
  const { version, signal, onProgress } = options
  using source = new VersionSource(options)
  const rendition = formatRenditionName({ name: 'btrfs', parent })
  const wanted = { ...options, rendition }
  const [opened, bytes] = await Promise.all([openBlockRendition(source, wanted), fetchBlockLocations(source, wanted)])
  const locations = decodeLocations(bytes, opened.statement.manifest, opened.blocks.chunks)
  const { sizeBytes } = opened.blocks
  const directory = await makeWorkDirectory(pool, 'receive')
  async function* told(): AsyncGenerator<Buffer> {
    let bytesDone = 0
    for await (const piece of fetchStream(source, { ...opened, locations })) {
      yield piece
      bytesDone += piece.length
      onProgress?.(bytesDone, sizeBytes)
    }
  }
  await receiveSubvolume(told(), directory, signal)
  const received = await showSubvolume(join(directory, version))
  if (!received?.isReadOnly || received.receivedUuid === undefined) {
    throw new NotReceived(`Cannot use the stream ${rendition} of version ${version}: it made no subvolume of that name`)
  }
  return { directory, bytesFetched: source.bytesFetched, streamBytes: sizeBytes }
}
