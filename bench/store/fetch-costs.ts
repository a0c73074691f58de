import { stat } from 'node:fs/promises'
import { ensureDelta } from '../../src/image/deltas/ensure-delta.ts'
import { readChunkIndex } from '../../src/image/pack-index.ts'
import { bytesToFetchTree, bytesToFetchVolume, type FetchCost } from '../../src/image/renditions/bytes-to-fetch.ts'
import { StoredChunks } from '../../src/image/renditions/stored-chunks.ts'
import { readRendition } from '../../src/image/renditions/stored-rendition.ts'
import { type Repository, readTree } from '../../src/image/repository.ts'
import { deltaFile, renditionFile, versionFile } from '../../src/image/repository-layout.ts'

/** What a machine with `parent` fetches for `version`, in bytes as they are sent, manifests and locations among them. */
export type StepCost = { chunksBytes: number; deltaBytes: number }

/** Of a version's tree, or of its volume. Makes the delta. */
export async function fetchCost(
  repository: Repository,
  subject: { version: string; parent: string; name: 'tree' | 'volume-ext4' },
): Promise<StepCost> {
  const index = await readChunkIndex(repository.directory)
  await using stored = new StoredChunks(repository, index)
  const delta = await ensureDelta(repository, subject)
  const compare = await comparison(repository, subject)
  const described = await describedBytes(repository, subject)
  const { size: indexBytes } = await stat(deltaFile(repository.directory, subject, 'index'))
  const chunks = await compare({ stored, index })
  const withDelta = await compare({ stored, index, delta })
  return { chunksBytes: described + chunks.storedBytes, deltaBytes: described + indexBytes + withDelta.storedBytes }
}

type Compare = (source: Parameters<typeof bytesToFetchTree>[2]) => Promise<FetchCost>

async function comparison(
  repository: Repository,
  { version, parent, name }: Parameters<typeof fetchCost>[1],
): Promise<Compare> {
  if (name === 'tree') {
    const [have, want] = await Promise.all([readTree(repository, parent), readTree(repository, version)])
    return (source) => bytesToFetchTree(have, want, source)
  }
  const [have, want] = await Promise.all([parent, version].map((id) => readRendition(repository, id, name)))
  return (source) => bytesToFetchVolume(have!.blocks, want!.blocks, source)
}

/** Of what says which chunks there are and where they lie. */
async function describedBytes({ directory }: Repository, { version, name }: Parameters<typeof fetchCost>[1]) {
  const files = (['manifest', 'signatures', 'locations'] as const).map((file) =>
    name === 'tree' ? versionFile(directory, version, file) : renditionFile(directory, version, name, file),
  )
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
