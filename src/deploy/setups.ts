import type { Machine } from '../core/machine.ts'
import type { FileTemplate, Hook, HookPoint, StoredSetup, Variable } from '../core/setup.ts'
import { refuseInvalidFile, refuseInvalidHook, refuseInvalidVariable } from '../core/setup-rules.ts'
import { describeScope, type SetupScope } from '../core/setup-scope.ts'
import { findMachineByName } from '../store/machine-rows.ts'
import {
  deleteFile,
  deleteHook,
  deleteVariable,
  putFile,
  putHook,
  putVariable,
  type RowScope,
  readSetup,
} from '../store/setup-rows.ts'
import { type SetupRequest, setupOf } from './deployment-setup.ts'
import { NotFound } from './refusals.ts'
import type { Change, StateChanges } from './state-changes.ts'

/** What operators add to deployments: hooks, variables and files of images, groups and machines. */
export class Setups {
  readonly #state: StateChanges

  constructor(state: StateChanges) {
    this.#state = state
  }

  /** Secrets included: what is answered of it is up to the caller. */
  list(): Promise<StoredSetup> {
    return readSetup(this.#state.db)
  }

  /** Throws SetupRefused where a deployment like this one would be refused for its hooks and files. */
  async check(machine: Machine, request: SetupRequest): Promise<void> {
    await setupOf(this.#state.db, machine, request)
  }

  /** Throws NotFound where there is no such machine, as all of these; SetupInvalid. */
  putHook(hook: Hook): Promise<void> {
    refuseInvalidHook(hook)
    return this.#put(hook.scope, `hook ${hook.point}`, (change, at) => putHook(change.db, at, hook))
  }

  removeHook(scope: SetupScope, point: HookPoint): Promise<void> {
    return this.#remove(scope, `hook ${point}`, (change, at) => deleteHook(change.db, at, point))
  }

  putVariable(variable: Variable): Promise<void> {
    refuseInvalidVariable(variable)
    return this.#put(variable.scope, `variable ${variable.name}`, (change, at) => putVariable(change.db, at, variable))
  }

  removeVariable(scope: SetupScope, name: string): Promise<void> {
    return this.#remove(scope, `variable ${name}`, (change, at) => deleteVariable(change.db, at, name))
  }

  putFile(file: FileTemplate): Promise<void> {
    refuseInvalidFile(file)
    return this.#put(file.scope, `file ${file.path}`, (change, at) => putFile(change.db, at, file))
  }

  removeFile(scope: SetupScope, path: string): Promise<void> {
    return this.#remove(scope, `file ${path}`, (change, at) => deleteFile(change.db, at, path))
  }

  async #put(scope: SetupScope, what: string, put: (change: Change, at: RowScope) => Promise<void>): Promise<void> {
    await this.#state.commit(async (change) => {
      const at = await rowScopeOf(change, scope)
      await put(change, at)
      await tell(change, at, `the ${what} of ${describeScope(scope)} was set`)
    })
  }

  async #remove(
    scope: SetupScope,
    what: string,
    remove: (change: Change, at: RowScope) => Promise<boolean>,
  ): Promise<void> {
    await this.#state.commit(async (change) => {
      const at = await rowScopeOf(change, scope)
      if (!(await remove(change, at))) throw new NotFound(`${describeScope(scope)} has no ${what}`)
      await tell(change, at, `the ${what} of ${describeScope(scope)} was removed`)
    })
  }
}

/** Images and groups may come to be later; a machine is there. Throws NotFound. */
async function rowScopeOf(change: Change, { kind, name }: SetupScope): Promise<RowScope> {
  if (kind !== 'machine') return { scope: kind, owner: name }
  const machine = await findMachineByName(change.db, name)
  if (!machine) throw new NotFound(`There is no machine "${name}"`)
  return { scope: kind, owner: machine.id }
}

async function tell(change: Change, { scope, owner }: RowScope, message: string): Promise<void> {
  await change.tell({ kind: 'machine', ...(scope === 'machine' && { machineId: owner }), message })
}
