import type { Deployment } from '../core/deployment.ts'
import type { Machine } from '../core/machine.ts'
import { resolveSetup, type SetupFacts } from '../core/resolve-setup.ts'
import { type DeploymentSetup, firstBootSeconds } from '../core/setup.ts'
import { readDeploymentSetup, readSetup } from '../store/setup-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'

/** Templates that cannot be rendered, or hooks that would not run: nothing is ordered. */
export class SetupRefused extends Error {
  override readonly name = 'SetupRefused'
  readonly problems: readonly string[]

  constructor(machine: string, problems: readonly string[]) {
    super(`Cannot deploy ${machine}: ${problems.join('; ')}`)
    this.problems = problems
  }
}

export type SetupRequest = Pick<Deployment, 'kind' | 'image' | 'version' | 'rendition'> & { id?: string }

/**
 * What hooks, variables and files come to for a deployment of this machine; undefined where there is nothing. A rollback
 * has none: it starts what the machine has as the machine left it. Throws SetupRefused.
 */
export async function setupOf(
  db: StateDatabase,
  machine: Machine,
  request: SetupRequest,
): Promise<DeploymentSetup | undefined> {
  if (request.kind === 'rollback') return undefined
  const stored = await readSetup(db, [
    { scope: 'image', owner: request.image },
    { scope: 'group', owner: machine.group },
    { scope: 'machine', owner: machine.id },
  ])
  if (stored.hooks.length === 0 && stored.files.length === 0) return undefined
  const resolved = resolveSetup(stored, factsOf(machine, request), request.rendition)
  if (resolved.kind === 'refused') throw new SetupRefused(machine.name, resolved.problems)
  return resolved.setup
}

function factsOf(machine: Machine, { image, version, id }: SetupRequest): SetupFacts {
  return {
    'machine.name': machine.name,
    'machine.group': machine.group,
    'machine.address': machine.address,
    'machine.mac': machine.macs[0],
    'machine.uuid': machine.uuid,
    'image.name': image,
    'image.version': version,
    'deployment.id': id ?? '',
  }
}

/** The first boot's hooks run before the proof. A retry was given the time of those of the attempt before. */
export async function proofSecondsWith(
  db: StateDatabase,
  { proofSeconds, retry }: Pick<Deployment, 'proofSeconds' | 'retry'>,
  setup: DeploymentSetup | undefined,
): Promise<number> {
  const before = retry && (await readDeploymentSetup(db, retry.of))
  return proofSeconds + (setup ? firstBootSeconds(setup) : 0) - (before ? firstBootSeconds(before) : 0)
}

/** `2 hooks, 1 file`. Undefined where there is neither. */
export function describeSetup(setup: DeploymentSetup | undefined): string | undefined {
  const counted = (count: number, what: string) => (count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`])
  const { hooks, files } = setup ?? { hooks: [], files: [] }
  const parts = [...counted(hooks.length, 'hook'), ...counted(files.length, 'file')]
  return parts.length === 0 ? undefined : parts.join(', ')
}
