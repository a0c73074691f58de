import { join } from 'node:path'
import type { Logger } from 'pino'
import type { ImageShelf } from './api/image-shelf.ts'
import { Rebuilds } from './api/rebuilds.ts'
import type { StateChanges } from './deploy/state-changes.ts'
import { ProgramFailed, runProgram } from './programs/run-program.ts'
import type { ServeOptions } from './server.ts'
import type { Component } from './supervise.ts'
import { repeated } from './timed-parts.ts'

const bootTestTimeoutMs = 30 * 60_000

/** Images that are made anew when their models change; their boot tests run in a rack of their own. */
export function rebuildsOf(parts: { options: ServeOptions; state: StateChanges; images: ImageShelf }): Rebuilds {
  const { options, state, images } = parts
  return new Rebuilds({ state, images, bootTest: (reference) => bootTest(reference, options) })
}

export function rebuildsPart(rebuilds: Rebuilds, log: Logger): Component {
  return repeated('rebuilds', log, () => rebuilds.lookAtDue())
}

/** In a process of its own: the rack has namespaces, and what happens there must not reach the service. */
async function bootTest(reference: string, { imageDirectory, keyDirectory }: ServeOptions): Promise<void> {
  const args = ['image', 'try', reference, '--images', imageDirectory, '--keys', keyDirectory]
  try {
    await runProgram(join(import.meta.dirname, '../bin/bootwright'), args, { timeoutMs: bootTestTimeoutMs })
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error
    throw new Error(error.stderr.trim().split('\n').at(-1) ?? error.message, { cause: error })
  }
}
