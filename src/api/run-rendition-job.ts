import { ensureDelta } from '../image/deltas/ensure-delta.ts'
import { measureMap } from '../image/renditions/block-map.ts'
import { ensureRendition } from '../image/renditions/ensure-rendition.ts'
import { isRamRootForm, parseRenditionName, type RamRootForm } from '../image/renditions/rendition-name.ts'
import { ensureRamRoot } from '../ramroot/ensure-ram-root.ts'
import { bytesToFetch } from '../ramroot/ram-root-form.ts'
import type { ImageJob } from './image-job.ts'
import type { JobParts } from './run-image-job.ts'

/** Sizes in bytes; `dataBytes` is what a machine that has nothing writes. */
export type RenditionResult = {
  version: string
  rendition: string
  parent?: string
  sizeBytes: number
  dataBytes: number
  storedBytes: number
}

/** `storedBytes`: what a machine that has the parent fetches of it. */
export type DeltaResult = { version: string; parent: string; of: string; chunks: number; storedBytes: number }

type JobOf<Kind extends ImageJob['kind']> = Extract<ImageJob, { kind: Kind }>

export async function runRendition(job: JobOf<'rendition'>, parts: JobParts): Promise<RenditionResult> {
  const { repository, setup, output } = parts
  if (isRamRootForm(job.rendition)) return runRamRoot(job, job.rendition, parts)
  const rendition = await ensureRendition(repository, job.version, parseRenditionName(job.rendition), {
    signingKey: setup.signingKey,
    ...(job.parent !== undefined && { parent: job.parent }),
    onProgress: ({ step, bytesDone, bytesTotal }) =>
      output.progress({ label: step, done: bytesDone, total: bytesTotal }),
    signal: output.signal,
  })
  const { sizeBytes, storedBytes } = rendition.statement
  const { parent } = rendition.header
  const { dataBytes } = measureMap(rendition.blocks)
  const made = { version: job.version, rendition: job.rendition, sizeBytes, dataBytes, storedBytes }
  return { ...made, ...(parent !== undefined && { parent }) }
}

async function runRamRoot({ version }: JobOf<'rendition'>, form: RamRootForm, { repository, output }: JobParts) {
  const ramRoot = await ensureRamRoot(repository, version, form, {
    onProgress: ({ step, bytesDone, bytesTotal }) =>
      output.progress({ label: step, done: bytesDone, total: bytesTotal }),
    signal: output.signal,
  })
  const { contentBytes } = ramRoot
  return {
    ...{ version, rendition: form, sizeBytes: contentBytes, dataBytes: contentBytes },
    storedBytes: bytesToFetch(ramRoot),
  }
}

export async function runDelta({ version, parent, of }: JobOf<'delta'>, { repository, output }: JobParts) {
  const { chunks, storedBytes } = await ensureDelta(
    repository,
    { version, name: of, parent },
    {
      onProgress: ({ chunksDone }) => output.progress({ label: 'compress', done: chunksDone, unit: 'pieces' }),
      signal: output.signal,
    },
  )
  return { version, parent, of, chunks: chunks.length, storedBytes } satisfies DeltaResult
}
