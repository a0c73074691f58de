/** What is done, and how much of how much. */
export type UpkeepProgress = {
  step: 'reading-manifests' | 'reading-packs' | 'reading-ramroots' | 'copying' | 'deleting' | 'fetching'
  /** Bytes for packs, otherwise pieces. */
  done: number
  total: number
}

export type PruneOptions = {
  /**
   * How long a pack stays after nothing needs it any more, because a machine may be fetching it: a day if not given. 0 is
   * right only when no deployment is under way.
   */
  graceMs?: number | undefined
  /** A pack is written anew when at least this part of it is not needed. */
  rewriteFrom?: number | undefined
  /** Says what would be done and changes nothing. */
  dryRun?: boolean | undefined
  onProgress?: ((progress: UpkeepProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

export type PrunedPack = { packId: string; sizeBytes: number }

export type PruneResult = {
  /** What all packs took before, and what versions need of it (compressed). */
  totalBytes: number
  neededBytes: number
  /** Gone now. */
  deleted: PrunedPack[]
  /** To be deleted by the first prune after their time. */
  waiting: (PrunedPack & {
    /** Milliseconds since the epoch. */
    deletableAt: number
    /** Imports and other work that must end before. */
    holds: string[]
  })[]
  /** Packs of which the needed part was copied, and how much that was; they are among `deleted` or `waiting`. */
  rewritten: PrunedPack[]
  copiedBytes: number
  /** Damaged packs that stay because they hold the only copy of something a version needs. */
  keptDamaged: PrunedPack[]
  /** Files of killed processes that were removed, from the repository's directory on. */
  leftovers: string[]
}
