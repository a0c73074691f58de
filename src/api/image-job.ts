import type { ImportNotice } from '../image/image-source.ts'
import type { VersionDescription } from '../image/publish-version.ts'
import type { Version } from '../image/repository.ts'
import type { SigningKey } from '../image/signing-key.ts'
import type { RetentionVerdict } from './image-schemas.ts'
import type { ImportSource } from './import-source.ts'
import type { Problem } from './problem.ts'

/** Long work on the images: it has a thread of its own (image-job-thread.ts), because the main one must always answer. */
export type ImageJob =
  | ({ kind: 'import'; image: string; source: ImportSource } & Pick<
      VersionDescription,
      'comment' | 'cleanUp' | 'isCurrent'
    >)
  | ({ kind: 'import-archive'; path: string } & ArchiveTrust)
  /** Answers with the archive's bytes; all others with lines. */
  | { kind: 'export'; image: string; version: string }
  | { kind: 'diff'; before: string; after: string }
  /** What the sources of a recipe offer that the version has older. */
  | { kind: 'upgrades'; version: string; recipePath: string }
  | { kind: 'sbom'; version: Pick<Version, 'image' | 'id' | 'createdAt'> }
  | { kind: 'rendition'; version: string; rendition: string; parent?: string | null | undefined }
  | { kind: 'delta'; version: string; parent: string; of: string }
  | { kind: 'verify'; repair: boolean; repairFrom: readonly string[] }
  /** `verdicts` go into the answer: what was removed before. */
  | { kind: 'prune'; graceMs?: number | undefined; dryRun: boolean; verdicts: readonly RetentionVerdict[] }

export type ArchiveTrust = {
  image?: string | undefined
  /** PEM of public keys. */
  trust: readonly string[]
  resign: boolean
  isCurrent: boolean
}

/** What every job works with. */
export type JobSetup = { imageDirectory: string; buildCacheDirectory: string; signingKey: SigningKey }

/** `done` and `total` are bytes, where `unit` does not say otherwise. */
export type JobProgress = { label: string; done?: number; total?: number; unit?: 'pieces' }

/** A line (NDJSON) of a job's answer; the last one is `result` or `problem`. */
export type JobLine<Result, Part = never> =
  | ({ kind: 'progress' } & JobProgress)
  | ({ kind: 'notice' } & ImportNotice)
  | { kind: 'part'; part: Part }
  | { kind: 'result'; result: Result }
  | { kind: 'problem'; problem: Problem }

/** From the job's thread. `size`: how many bytes will come. */
export type FromJob =
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'size'; sizeBytes: number }
  | { kind: 'fault'; stack: string }
  | { kind: 'failed'; problem: Problem }
  | { kind: 'done' }

/** To the job's thread. `taken`: so many bytes were handed on. */
export type ToJob = { kind: 'taken'; bytes: number } | { kind: 'stop' }
