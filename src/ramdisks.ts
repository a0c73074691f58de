import { once } from 'node:events'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { RamdiskState } from './api/boot-plane.ts'
import { makeGrubLoader } from './content/make-grub-loader.ts'
import type { AgentArchitecture } from './core/agent-architecture.ts'
import { type SiteKeys, trustOf } from './deploy/site-keys.ts'
import { ProgramFailed } from './programs/run-program.ts'
import { buildRamdisk, defaultCacheDirectory } from './ramdisk/build-ramdisk.ts'
import { fetchGrubModules } from './ramdisk/grub-modules.ts'
import { type Ramdisk, readRamdisk } from './ramdisk/published-ramdisk.ts'
import type { ServeOptions } from './server.ts'
import { architecturesOf, arm64LoaderFile } from './serving-tree.ts'
import type { Component } from './supervise.ts'

/** The agent's ramdisks of a service: where they are served from, and how far each is. */
export type Ramdisks = {
  component: Component
  /** Holds a directory for each id; or these alone. */
  place: { root: string } | { given: readonly string[] }
  state(architecture: AgentArchitecture): RamdiskState
  /** `3f9a…`, `being made`; with several architectures each is named. */
  describe(): string
}

/** Each is made once, while everything else already answers; machines that come early are told to wait. */
export function ramdisksOf(options: ServeOptions, keys: SiteKeys, log: Logger): Ramdisks {
  const architectures = architecturesOf(options.siteFile)
  const given = options.ramdiskDirectories
  const root = join(options.dataDirectory, 'ramdisk')
  const ready = new Map<AgentArchitecture, Ramdisk>()
  const add = (ramdisk: Ramdisk) => {
    ready.set(ramdisk.architecture, ramdisk)
    log.info({ id: ramdisk.id, architecture: ramdisk.architecture, bytes: ramdisk.totalBytes }, 'the ramdisk is ready')
  }
  const component: Component = {
    name: 'ramdisk',
    async run(signal) {
      if (architectures.includes('arm64')) await makeArm64Loader(options, log, signal)
      for (const directory of given) add(await readGiven(directory))
      for (const architecture of given.length > 0 ? [] : architectures) {
        add(await makeRamdisk({ architecture, root, keys, log, signal }))
      }
      if (!signal.aborted) await once(signal, 'abort')
    },
  }
  const state = (architecture: AgentArchitecture): RamdiskState => {
    const ramdisk = ready.get(architecture)
    if (ramdisk) return { kind: 'ready', ramdisk }
    return { kind: architectures.includes(architecture) ? 'making' : 'not-served' }
  }
  const idOf = (architecture: AgentArchitecture) => ready.get(architecture)?.id ?? 'being made'
  const describe = () =>
    architectures.length === 1
      ? idOf(architectures[0]!)
      : architectures.map((architecture) => `${architecture} ${idOf(architecture)}`).join(', ')
  return { component, place: given.length > 0 ? { given } : { root }, state, describe }
}

async function readGiven(directory: string): Promise<Ramdisk> {
  const ramdisk = await readRamdisk(directory)
  if (ramdisk) return ramdisk
  throw new Error(`there is no complete ramdisk in ${directory}; 'bootwright ramdisk build' makes one`)
}

type Making = { architecture: AgentArchitecture; root: string; keys: SiteKeys; log: Logger; signal: AbortSignal }

function makeRamdisk({ architecture, root, keys, log, signal }: Making): Promise<Ramdisk> {
  return buildRamdisk({
    architecture,
    cacheDirectory: defaultCacheDirectory(),
    outputDirectory: root,
    trust: trustOf(keys),
    onProgress: (message) => log.info(`ramdisk for ${architecture}: ${message}`),
    signal,
  })
}

/** Not at the start as the other loaders: Debian's package of its modules cannot be installed here, and is fetched. */
async function makeArm64Loader(options: ServeOptions, log: Logger, signal: AbortSignal): Promise<void> {
  try {
    const modulesDirectory = await fetchGrubModules({ cacheDirectory: defaultCacheDirectory(), signal })
    const file = arm64LoaderFile(options.dataDirectory)
    const made = await makeGrubLoader(file, 'efi-arm64', options.bootPort, modulesDirectory)
    if (made.kind === 'unavailable') log.warn({ reason: made.reason }, 'no GRUB for arm64')
  } catch (error) {
    if (!(error instanceof ProgramFailed) || signal.aborted) throw error
    log.warn({ reason: error.message }, 'no GRUB for arm64 before the next start')
  }
}
