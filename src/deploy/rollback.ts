import { type Deployment, writtenStates } from '../core/deployment.ts'
import { keptLayout } from '../core/kept-layout.ts'
import type { DeploymentRequest } from './new-deployment.ts'
import { Conflict } from './refusals.ts'

/**
 * What a rollback is, by the machine's deployments, newest first: to the version before the one it has, or to `to`, the
 * beginning of a version id. Throws Conflict, in words that say what the machine has.
 */
export function chooseRollback(machine: string, history: readonly Deployment[], to?: string): DeploymentRequest {
  const present = history.find(({ state }) => writtenStates.includes(state))
  if (present === undefined) throw new Conflict(`${machine} was never deployed: there is nothing to roll back to`)
  if (present.rendition !== 'btrfs') {
    throw new Conflict(
      `${machine} has one version only, because it was deployed as ${present.rendition}; ` +
        "deploy it with '--rendition btrfs', or deploy the older version again",
    )
  }
  const version = chooseVersion(machine, present, to)
  const { image } = history.find((other) => other.version === version) ?? present
  const { diskRule, filesystem, handOver, kernelArguments, proofSeconds, keepVersions } = present
  return {
    kind: 'rollback',
    image,
    version,
    rendition: 'btrfs',
    layout: keptLayout(present.layout, 'received'),
    ...{ diskRule, filesystem, handOver, kernelArguments, proofSeconds, keepVersions },
  }
}

function chooseVersion(machine: string, present: Deployment, to: string | undefined): string {
  const { keptVersions, version } = present
  const has = `${machine} has ${keptVersions.map((kept) => describeVersion(kept, version)).join(', ') || 'none'}`
  if (to === undefined) {
    const older = keptVersions[keptVersions.indexOf(version) + 1]
    if (older === undefined) throw new Conflict(`There is no older version to roll back to: ${has}`)
    return older
  }
  const [found, ...others] = keptVersions.filter((kept) => kept.startsWith(to))
  if (found === undefined) throw new Conflict(`${machine} does not have version ${to}: ${has}; deploy that one instead`)
  if (others.length > 0) throw new Conflict(`"${to}" is the beginning of several versions: ${has}`)
  if (found === version) throw new Conflict(`${machine} boots ${to} already: ${has}`)
  return found
}

function describeVersion(kept: string, present: string): string {
  return `${kept.slice(0, 12)}${kept === present ? ' (booted)' : ''}`
}
