import type { AgentArchitecture } from '../../core/agent-architecture.ts'
import type { Deployment } from '../../core/deployment.ts'
import type { Rack } from '../../rack/rack.ts'
import type { RackSite } from './site.ts'
import type { RackSupplies } from './supplies.ts'

/** What a rack case measured; printed as it is with --json. */
export type CaseFigures = {
  /** From power-on to the agent's first word to the server. */
  secondsToAgent: number
  bytesFetched: number
  bytesWritten: number
  bytesReused: number
  steps: { step: string; seconds?: number; bytes?: number }[]
}

export type CaseResult = {
  case: string
  ok: boolean
  /** The whole case, from the start of the service to the last check. */
  secondsTotal: number
  failure?: string
  /** Logs and captures of a case that failed. */
  artifacts?: string
} & Partial<CaseFigures>

/** A rack case: files of test/rack export one as `rackCase`. It rejects when something is not as it must be. */
export type RackCase = {
  name: string
  /** One sentence for --list. */
  describe: string
  /** The default set is part of `npm test`. */
  set: 'default' | 'long'
  /** What the agent's ramdisk is made for; x64 where not given. */
  architecture?: AgentArchitecture
  /** What a rack cannot make inside, because it needs the internet, or mounts: done before, and kept for the next time. */
  prepare?(supplies: RackSupplies, log: (line: string) => void): Promise<void>
  /** What else is on the rack's network, and how that behaves; before the service starts, and inside the rack. */
  surround?(rack: Rack): Promise<void>
  /** The service builds images in the rack, which takes the rights of root itself: there is no user namespace then. */
  buildsImages?: boolean
  /** Further options of `bootwright serve`. */
  serveOptions?: readonly string[]
  /** The service's site file, in place of the rack's interface alone. */
  siteFile?: string
  /** When it is ended, where it is not 20. */
  longestMinutes?: number
  run(site: RackSite): Promise<CaseFigures>
}

export function caseFigures(deployment: Deployment, secondsToAgent: number): CaseFigures {
  return {
    secondsToAgent: Math.round(secondsToAgent * 10) / 10,
    bytesFetched: deployment.bytesFetched,
    bytesWritten: deployment.bytesWritten,
    bytesReused: deployment.bytesReused,
    steps: deployment.steps.map(({ step, seconds, bytes }) => ({
      step,
      ...(seconds !== undefined && { seconds }),
      ...(bytes !== undefined && { bytes }),
    })),
  }
}
