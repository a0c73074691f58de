import { randomUUID } from 'node:crypto'
import type { RamrootChoice } from '../core/intent.ts'
import { oneLine } from '../core/one-line.ts'
import {
  countStates,
  isOnItsWay,
  judgeUpdateMachine,
  planUpdate,
  type Update,
  type UpdateMachine,
} from '../core/update.ts'
import type { VersionUse } from '../image/retention.ts'
import { findMachineById } from '../store/machine-rows.ts'
import { listRamrootBoots } from '../store/ramroot-rows.ts'
import {
  findMachineOnItsWay,
  findUpdate,
  findUpdateOfMachine,
  insertUpdate,
  listOpenUpdates,
  listUpdates,
  listVersionsOfUpdates,
  type WantedVersion,
} from '../store/update-rows.ts'
import type { Ramroots } from './ramroots.ts'
import { Conflict, NotFound } from './refusals.ts'
import { setMachine } from './set-machine.ts'
import type { Change, StateChanges } from './state-changes.ts'
import { enterUpdate, moveMachine, tellUpdate } from './update-moves.ts'

export type UpdateRequest = Pick<Update, 'policy' | 'to'> & {
  machines: readonly (Pick<UpdateMachine, 'machineId' | 'name' | 'image' | 'version' | 'rendition'> & {
    /** Why nothing is to be done about it. */
    skipped?: string
  })[]
}

/** Updates of machines that run from memory: a few at a time, and no further when one fails. */
export class Updates {
  readonly #state: StateChanges
  readonly #ramroots: Ramroots

  constructor(state: StateChanges, ramroots: Ramroots) {
    this.#state = state
    this.#ramroots = ramroots
  }

  /** Newest first. */
  list(): Promise<Update[]> {
    return listUpdates(this.#state.db)
  }

  /** Throws NotFound. */
  get(id: string): Promise<Update> {
    return getUpdate(this.#state.db, id)
  }

  /** Throws Conflict for a machine that another update has. */
  create({ machines, policy, to }: UpdateRequest): Promise<Update> {
    return this.#state.commit(async (change) => {
      for (const { machineId, name, skipped } of machines) {
        if (skipped === undefined) await refuseTaken(change, machineId, name)
      }
      const update: Update = {
        ...{ id: randomUUID(), state: 'running', policy, forgivenFailures: 0, createdAt: change.now },
        ...(to !== undefined && { to }),
        machines: machines.map(({ skipped, ...machine }) => ({
          ...{ ...machine, state: skipped === undefined ? 'waiting' : 'skipped', changedAt: change.now },
          ...(skipped !== undefined && { reason: skipped }),
        })),
      }
      await insertUpdate(change.db, update)
      await tellUpdate(change, update, `begins: ${countStates(update)}`)
      return update
    })
  }

  /** What was told and has not asked yet waits again; who is on its way goes on. Throws NotFound, Conflict. */
  stop(id: string): Promise<Update> {
    return this.#state.commit(async (change) => {
      const update = await getUpdate(change.db, id)
      if (update.state !== 'running') throw new Conflict(`The update ${id} is ${update.state} already`)
      return stopUpdate(change, update, 'an operator stopped it')
    })
  }

  /** With those that wait; what failed so far is not counted again. Throws NotFound, Conflict. */
  continue(id: string): Promise<Update> {
    return this.#state.commit(async (change) => {
      const update = await getUpdate(change.db, id)
      if (update.state !== 'stopped')
        throw new Conflict(`The update ${id} is ${update.state}: only one that stopped goes on`)
      for (const { machineId, name, state } of update.machines) {
        if (state === 'waiting') await refuseTaken(change, machineId, name)
      }
      await judge(change, update, ({ state }) => state === 'failed')
      const { machines } = await getUpdate(change.db, id)
      const forgivenFailures = machines.filter(({ state }) => state === 'failed').length
      await enterUpdate(change, update, { state: 'running', reason: null, forgivenFailures }, 'goes on')
      return getUpdate(change.db, id)
    })
  }

  /** Does what is due. Called every few seconds. */
  async advance(): Promise<void> {
    for (const id of await listOpenUpdates(this.#state.db)) {
      await this.#state.commit(async (change) => {
        await judge(change, await getUpdate(change.db, id), isOnItsWay)
        const update = await getUpdate(change.db, id)
        if (update.state === 'running') await takeStep(change, update)
      })
    }
  }

  /** What a machine is to run now, by an update. */
  wanted(machineId: string): Promise<WantedVersion | undefined> {
    return findMachineOnItsWay(this.#state.db, machineId)
  }

  async asked(wanted: WantedVersion): Promise<void> {
    if (wanted.machine.state !== 'told') return
    await this.#state.commit((change) => moveMachine(change, wanted, 'fetching'))
  }

  /** It restarts now, by kexec into a boot that begins here, or by its firmware, which asks for its script. */
  async restarting(
    wanted: WantedVersion,
    choice: RamrootChoice,
    by: 'kexec' | 'reboot',
    detail: string,
  ): Promise<void> {
    const { machine } = wanted
    const record = (await findMachineById(this.#state.db, machine.machineId))!
    if (by === 'kexec') await this.#ramroots.begin(record, choice, { version: machine.version })
    const why = oneLine(detail, 500)
    await this.#state.commit((change) =>
      moveMachine(change, wanted, 'restarting', {
        ...{ by, restartedAt: change.now, words: why === '' ? `by ${by}` : `by ${by}: ${why}` },
      }),
    )
  }

  /** It said itself that it cannot; it runs what it ran. */
  async failed(wanted: WantedVersion, reason: string): Promise<void> {
    const said = `${oneLine(reason, 500)}; it still runs what it ran`
    await this.#state.commit((change) => moveMachine(change, wanted, 'failed', { reason: said }))
  }

  /** What machines are still to run is not removed. */
  async versionsInUse(): Promise<VersionUse[]> {
    const wanted = await listVersionsOfUpdates(this.#state.db)
    return wanted.map(({ id, version }) => ({ version, why: `the update ${id} moves machines to it` }))
  }
}

async function getUpdate(db: Change['db'], id: string): Promise<Update> {
  const update = await findUpdate(db, id)
  if (!update) throw new NotFound(`There is no update "${id}"; 'bootwright update list' shows them`)
  return update
}

async function refuseTaken(change: Change, machineId: string, name: string): Promise<void> {
  const other = await findUpdateOfMachine(change.db, machineId)
  if (other) throw new Conflict(`${name} is in the update ${other}; 'bootwright update stop ${other}' ends that`)
}

/** Ends what has ended for those machines, by their boots. */
async function judge(change: Change, update: Update, isMeant: (machine: UpdateMachine) => boolean): Promise<void> {
  for (const machine of update.machines.filter(isMeant)) {
    const boots = await listRamrootBoots(change.db, machine.machineId, machine.toldAt)
    const verdict = judgeUpdateMachine(machine, boots, update.policy, change.now)
    if (!verdict || verdict.state === machine.state) continue
    await moveMachine(change, { update, machine }, verdict.state, { reason: verdict.reason ?? null })
    if (verdict.state === 'up') await follow(change, update, machine)
  }
}

/** Who runs the new version runs it at every boot from now on. */
async function follow(change: Change, { to }: Update, { machineId, name }: UpdateMachine): Promise<void> {
  const machine = await findMachineById(change.db, machineId)
  if (to === undefined || machine?.standing.kind !== 'ramroot' || machine.intent.kind !== 'ramroot') return
  const boot = { ...machine.standing.boot, image: to }
  await setMachine(change, name, { intent: { kind: 'ramroot', boot } })
}

async function takeStep(change: Change, update: Update): Promise<void> {
  const step = planUpdate(update, change.now)
  if (step.kind === 'tell') {
    for (const machine of step.machines) {
      await moveMachine(change, { update, machine }, 'told', { toldAt: change.now })
    }
  }
  if (step.kind === 'stop') await stopUpdate(change, update, step.because)
  if (step.kind === 'finish') await enterUpdate(change, update, { state: 'done' }, `is done: ${countStates(update)}`)
}

async function stopUpdate(change: Change, update: Update, reason: string): Promise<Update> {
  for (const machine of update.machines.filter(({ state }) => state === 'told')) {
    await moveMachine(change, { update, machine }, 'waiting')
  }
  const stopped = await getUpdate(change.db, update.id)
  await enterUpdate(change, stopped, { state: 'stopped', reason }, `stopped: ${reason} (${countStates(stopped)})`)
  return getUpdate(change.db, update.id)
}
