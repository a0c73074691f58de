import { join } from 'node:path'
import { ProgramFailed } from '../../programs/run-program.ts'
import type { VersionOptions } from '../open-version.ts'
import { type OnBytes, StepFailed, type StepResult } from '../step-run.ts'
import { TreeDiffers, verifyTree } from '../verify-tree.ts'
import { clearWork, forgetVersion, type KeptVersions, keepVersion, readKeptVersions } from './kept-versions.ts'
import { versionSubvolume } from './pool-places.ts'
import { NotReceived, receiveVersion } from './receive-version.ts'

export type ObtainOptions = VersionOptions & {
  /** Where the top of the btrfs filesystem is mounted. */
  pool: string
  /**
   * Asks the server for a stream against one of these versions, the newest first; it says which it has made, or undefined
   * where it is the whole stream.
   */
  chooseParent: (versions: readonly string[], onBytes: OnBytes) => Promise<string | undefined>
  inStep: <T>(step: 'write' | 'verify', work: (onBytes: OnBytes) => Promise<StepResult<T>>) => Promise<T>
}

/** Bytes of the stream that were received, and of the version's content that came from what was there. */
export type ObtainedVersion = { bytesFetched: number; bytesWritten: number; bytesReused: number }

/**
 * The steps write and verify: the pool has the version afterwards, every byte of it read back from the disk. One that is
 * there already is only verified. A difference that cannot be received, or that comes out wrong because somebody changed
 * the version it is against, is given up for the whole stream. Throws StepFailed.
 */
export async function obtainVersion(options: ObtainOptions): Promise<ObtainedVersion> {
  const { pool, version } = options
  await clearWork(pool)
  const kept = await readKeptVersions(pool)
  if (kept.intact.some((one) => one.version === version)) {
    const reused = await reuse(options)
    if (reused) return reused
  }
  const parents = kept.intact.map((one) => one.version).filter((one) => one !== version)
  return receive(options, parents, describeChanged(kept))
}

async function reuse(options: ObtainOptions): Promise<ObtainedVersion | undefined> {
  await options.inStep('write', async () => ({ value: undefined, detail: 'the disk has this version already' }))
  try {
    const { bytesRead } = await verify(options, versionSubvolume(options.pool, options.version))
    return { bytesFetched: 0, bytesWritten: 0, bytesReused: bytesRead }
  } catch (error) {
    if (causeOf(error) instanceof TreeDiffers) return undefined
    throw error
  }
}

async function receive(options: ObtainOptions, parents: readonly string[], why: string): Promise<ObtainedVersion> {
  const { pool, version } = options
  let parent: string | undefined
  let fetchedBytes = 0
  try {
    const received = await options.inStep('write', async (onProgress) => {
      parent = await options.chooseParent(parents, onProgress)
      const value = await receiveVersion(pool, { ...options, onProgress }, parent)
      fetchedBytes = value.bytesFetched
      const what = parent === undefined ? 'received whole' : `received the difference from ${parent.slice(0, 12)}`
      return { value, bytesDone: value.streamBytes, bytesTotal: value.streamBytes, detail: `${what}${why}` }
    })
    const { bytesRead } = await verify(options, join(received.directory, version))
    await keepVersion(pool, version, received.directory)
    const { bytesFetched, streamBytes } = received
    return { bytesFetched, bytesWritten: streamBytes, bytesReused: Math.max(0, bytesRead - streamBytes) }
  } catch (error) {
    const cause = causeOf(error)
    if (parent === undefined || !mayBeOfParent(cause)) throw error
    await clearWork(pool)
    // Where the files came out wrong, those of the parent are.
    if (cause instanceof TreeDiffers) await forgetVersion(pool, parent)
    const whole = await receive(options, [], `, because the difference could not be used: ${cause.message}`)
    return { ...whole, bytesFetched: whole.bytesFetched + fetchedBytes }
  }
}

/** The whole stream takes more room than a difference, so it is of no use where that had none. */
function mayBeOfParent(cause: unknown): cause is Error {
  if (cause instanceof ProgramFailed) return !/No space left/.test(cause.stderr)
  return cause instanceof TreeDiffers || cause instanceof NotReceived
}

function verify(options: ObtainOptions, targetDirectory: string): Promise<{ bytesRead: number }> {
  return options.inStep('verify', async (onBytes) => {
    const value = await verifyTree({
      ...options,
      targetDirectory,
      onProgress: ({ bytesDone, bytesTotal }) => onBytes(bytesDone, bytesTotal),
    })
    return { value, bytesDone: value.bytesRead, bytesTotal: value.bytesRead }
  })
}

function causeOf(error: unknown): unknown {
  return error instanceof StepFailed ? error.cause : error
}

function describeChanged({ changed }: KeptVersions): string {
  return changed.map(({ version, reason }) => `; ${version.slice(0, 12)} was of no use, because ${reason}`).join('')
}
