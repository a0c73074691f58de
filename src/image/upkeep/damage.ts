import type { ContentName } from '../store/content-name.ts'

export type DamageKind =
  | 'pack-missing'
  | 'pack-damaged'
  | 'pack-unreadable'
  /** A manifest needs it, and nothing says where it should be. */
  | 'chunk-missing'
  | 'index-missing'
  | 'index-damaged'
  | 'manifest-missing'
  | 'manifest-damaged'
  | 'signatures-missing'
  | 'signatures-damaged'
  /** Whole, and not signed by the key that was given. */
  | 'signatures-refused'
  | 'locations-missing'
  | 'locations-damaged'
  /** They name places where the chunks are not. */
  | 'locations-outdated'
  /** An image has tags, or had them, and no `current` one. */
  | 'tag-missing'
  | 'tag-damaged'
  /** It names a version that its image does not have. */
  | 'tag-dangling'
  | 'condemned-damaged'
  /** A file of what runs a version from memory. */
  | 'ramroot-damaged'

/** What cannot be used until the damage is repaired. */
export type Broken = ContentName & {
  /** As far as the signatures can be read. */
  images: string[]
}

export type Damage = {
  kind: DamageKind
  /** From the repository's directory on. */
  file: string
  reason: string
  /** Chunks that are needed and cannot be had, in hexadecimal. */
  chunks: string[]
  breaks: Broken[]
  /**
   * `here`: from what the repository itself has. `source`: from another repository, a server, the tree, or by importing
   * again. `person`: nothing but somebody's decision.
   */
  repair: 'here' | 'source' | 'person'
}

export type VerifyReport = {
  /** Nothing damaged. */
  isWhole: boolean
  damages: Damage[]
  versions: number
  renditions: number
  packs: number
  chunks: number
  /** Of packs, and of files that run versions from memory. */
  bytesRead: number
  /** Packs that wait for their deletion; they are not looked into. */
  condemnedPacks: number
  durationMs: number
}

/** What was mended; `file` from the repository's directory on. */
export type Repair = { file: string; how: string }

/** One damage as a sentence for people: the file, what is wrong, what it breaks, what helps. */
export function describeDamage({ file, reason, chunks, breaks, repair }: Damage): string {
  const lost =
    chunks.length === 0 ? '' : `; ${chunks.length} needed chunk${chunks.length === 1 ? '' : 's'} cannot be read`
  const broken =
    breaks.length === 0 ? 'no version is broken by it' : `it breaks ${breaks.map(describeBroken).join(', ')}`
  return `${file}: ${reason}${lost}; ${broken}; ${remedies[repair]}`
}

const remedies = {
  here: "'bootwright image verify --repair' mends it",
  source:
    "'bootwright image verify --repair-from URL|DIRECTORY' mends it, or '--repair' and importing the version again",
  person: "move the tag to a version there is ('bootwright image tag')",
} as const

function describeBroken({ version, rendition, images }: Broken): string {
  const name = images.length === 0 ? `version ${version}` : images.map((image) => `${image}@${version.slice(0, 12)}`)
  return `${Array.isArray(name) ? name.join(', ') : name}${rendition === undefined ? '' : ` (${rendition})`}`
}
