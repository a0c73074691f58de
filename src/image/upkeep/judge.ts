import path from 'node:path'
import { chunkKey } from '../pack-index.ts'
import { isId, ramRootDirectory, type VersionFileName } from '../repository-layout.ts'
import { type ContentName, contentFile, formatContentName } from '../store/content-name.ts'
import type { Broken, Damage, DamageKind } from './damage.ts'
import type { Inspection, TagFile } from './inspect-repository.ts'
import { type ContentScan, distinctChunks } from './scan-content.ts'
import type { PackScan } from './scan-pack.ts'

/** Everything that is wrong: packs, then what they make up and what was made of that, then tags. */
export function judgeRepository(inspection: Inspection): Damage[] {
  const losses = findLosses(inspection)
  return [
    ...judgePacks(inspection, losses),
    ...inspection.contents.flatMap((scan) => judgeContent(inspection, scan)),
    ...judgeRamRoots(inspection),
    ...judgeTags(inspection),
    ...judgeCondemned(inspection),
  ]
}

/** True where every chunk of the content can be had. */
export function isComplete({ places }: Inspection, { chunks }: ContentScan): boolean {
  if (!chunks) return false
  return [...distinctChunks(chunks)].every((id) => places.has(keyOf(id)))
}

/** True where the locations name places at which the chunks are not. */
export function areLocationsOutdated({ places }: Inspection, scan: ContentScan): boolean {
  const { chunks } = scan
  if (!chunks || !scan.places) return false
  return scan.places.some(({ packId, chunks: listed }) =>
    listed.some(({ row, offset, storedBytes, encoding }) => {
      const known = places.get(chunkKey(chunks.ids.subarray(row * 32, row * 32 + 32)))
      return !known?.some(
        (place) =>
          place.packId === packId &&
          place.offset === offset &&
          place.storedBytes === storedBytes &&
          place.encoding === encoding,
      )
    }),
  )
}

/** A chunk that is needed and cannot be had; `packId` is where it should be, as far as anything says so. */
export type Loss = { chunkId: string; packId: string | undefined; reason: string | undefined; holders: ContentScan[] }

export function findLosses(inspection: Inspection): Map<string, Loss> {
  const losses = new Map<string, Loss>()
  const culprits = new Map<string, { packId: string; reason: string }>()
  for (const { packId, lost } of inspection.packs.values()) {
    for (const { chunkId, reason } of lost) culprits.set(chunkId, { packId, reason })
  }
  for (const scan of inspection.contents) {
    if (!scan.chunks) continue
    for (const chunkId of distinctChunks(scan.chunks)) {
      if (inspection.places.has(keyOf(chunkId))) continue
      const loss = losses.get(chunkId)
      if (loss) loss.holders.push(scan)
      else {
        const culprit = culprits.get(chunkId) ?? { packId: packInLocations(scan, chunkId), reason: undefined }
        losses.set(chunkId, { chunkId, ...culprit, holders: [scan] })
      }
    }
  }
  return losses
}

function packInLocations({ places, chunks }: ContentScan, chunkId: string): string | undefined {
  const id = Buffer.from(chunkId, 'hex')
  return places?.find((pack) =>
    pack.chunks.some(({ row }) => chunks!.ids.compare(id, 0, 32, row * 32, row * 32 + 32) === 0),
  )?.packId
}

function judgePacks({ packs, condemned }: Inspection, losses: ReadonlyMap<string, Loss>): Damage[] {
  const byPack = Map.groupBy(losses.values(), ({ packId }) => packId)
  const damages: Damage[] = []
  for (const scan of packs.values()) {
    damages.push(...judgePack(scan, byPack.get(scan.packId) ?? []))
    byPack.delete(scan.packId)
  }
  for (const [packId, lost] of byPack) {
    if (packId === undefined) damages.push(chunkDamage(lost))
    else if (condemned.has(packId)) {
      damages.push(packDamage('pack-damaged', packId, 'it was found damaged, and waits for its deletion', lost))
    } else damages.push(packDamage('pack-missing', packId, 'it is not there', lost))
  }
  return damages
}

function judgePack({ packId, pack, index }: PackScan, lost: readonly Loss[]): Damage[] {
  if (pack.kind === 'absent') {
    // An index that was left behind says nothing; only what is needed counts.
    return lost.length === 0 ? [] : [packDamage('pack-missing', packId, 'it is not there', lost)]
  }
  if (pack.kind !== 'whole') {
    const kind = pack.kind === 'unreadable' ? 'pack-unreadable' : 'pack-damaged'
    return [packDamage(kind, packId, pack.reason, lost)]
  }
  if (index.kind === 'whole') return []
  const file = `packs/${packId}.index`
  if (index.kind === 'absent') return [plain('index-missing', file, 'it is not there')]
  return [plain('index-damaged', file, index.reason)]
}

function packDamage(kind: DamageKind, packId: string, reason: string, lost: readonly Loss[]): Damage {
  const repair = lost.length === 0 ? 'here' : 'source'
  return { kind, file: `packs/${packId}.pack`, reason, chunks: idsOf(lost), breaks: brokenBy(lost), repair }
}

function chunkDamage(lost: readonly Loss[]): Damage {
  const reason = 'no pack has chunks that are needed'
  return { kind: 'chunk-missing', file: 'packs', reason, chunks: idsOf(lost), breaks: brokenBy(lost), repair: 'source' }
}

function judgeContent(inspection: Inspection, scan: ContentScan): Damage[] {
  const { content } = scan
  // A rendition is made again where it cannot be mended; a tree is what it is made from.
  const repair = content.rendition === undefined ? 'source' : 'here'
  const damages: Damage[] = []
  const add = (kind: DamageKind, file: VersionFileName, reason: string, how: Damage['repair']) =>
    damages.push({ kind, file: relativeFile(content, file), reason, chunks: [], breaks: [broken(scan)], repair: how })
  for (const file of ['manifest', 'signatures'] as const) {
    const state = scan[file]
    if (state.kind === 'absent') add(`${file}-missing`, file, 'it is not there', repair)
    else if (state.kind === 'refused') add('signatures-refused', file, state.reason, repair)
    else if (state.kind !== 'whole') add(`${file}-damaged`, file, state.reason, repair)
  }
  const { locations } = scan
  const withChunks = isComplete(inspection, scan) ? 'here' : 'source'
  if (locations.kind === 'absent') add('locations-missing', 'locations', 'it is not there', withChunks)
  else if (locations.kind !== 'whole') add('locations-damaged', 'locations', locations.reason, withChunks)
  else if (withChunks === 'here' && areLocationsOutdated(inspection, scan)) {
    add('locations-outdated', 'locations', 'it names places where the chunks are not', withChunks)
  }
  return damages
}

function judgeRamRoots({ ramRoots, contents }: Inspection): Damage[] {
  const images = new Map(contents.map(({ content, images }) => [formatContentName(content), images]))
  return ramRoots.flatMap(({ version, form, problems }) =>
    problems.map(({ file, reason }) => ({
      ...plain('ramroot-damaged', path.relative('/', path.join(ramRootDirectory('/', version, form), file)), reason),
      breaks: [{ version, rendition: form, images: images.get(version) ?? [] }],
    })),
  )
}

function judgeTags({ tags, taggedImages, contents }: Inspection): Damage[] {
  const trees = contents.filter(({ content }) => content.rendition === undefined)
  const versions = new Map(trees.map((scan) => [scan.content.version, scan]))
  const withCurrent = new Set(tags.filter(({ tag }) => tag === 'current').map(({ image }) => image))
  // An image of which every version was imported without tags has no directory of them.
  const missing = taggedImages.filter((image) => !withCurrent.has(image)).map(missingTag)
  return [...missing, ...tags.flatMap((tag) => judgeTag(tag, versions.get(tag.text.trim())))]
}

function missingTag(image: string): Damage {
  const reason = 'it is not there, and machines follow it'
  return { ...plain('tag-missing', `tags/${image}/current`, reason), repair: 'person' }
}

function judgeTag({ image, tag, text }: TagFile, scan: ContentScan | undefined): Damage[] {
  const file = `tags/${image}/${tag}`
  const id = text.trim()
  if (!isId(id)) return [{ ...plain('tag-damaged', file, 'it holds no version id'), repair: 'person' }]
  if (scan && (scan.images.includes(image) || scan.signatures.kind !== 'whole')) return []
  const reason = `it names version ${id}, which image ${image} does not have`
  return [{ ...plain('tag-dangling', file, reason), repair: 'person' }]
}

function judgeCondemned({ condemnedProblem }: Inspection): Damage[] {
  return condemnedProblem === undefined ? [] : [plain('condemned-damaged', 'condemned', condemnedProblem)]
}

function plain(kind: DamageKind, file: string, reason: string): Damage {
  return { kind, file, reason, chunks: [], breaks: [], repair: 'here' }
}

function relativeFile(content: ContentName, file: VersionFileName): string {
  return path.relative('/', contentFile('/', content, file))
}

function brokenBy(losses: readonly Loss[]): Broken[] {
  return [...new Set(losses.flatMap(({ holders }) => holders))].map(broken)
}

function broken({ content, images }: ContentScan): Broken {
  return { ...content, images }
}

function idsOf(losses: readonly Loss[]): string[] {
  return losses.map(({ chunkId }) => chunkId)
}

function keyOf(chunkId: string): string {
  return chunkKey(Buffer.from(chunkId, 'hex'))
}
