import { secondsDown, type UpdateHead, type UpdateMachine } from '../core/update.ts'
import {
  type UpdateChange,
  type UpdateMachineChange,
  updateUpdate,
  updateUpdateMachine,
  type WantedVersion,
} from '../store/update-rows.ts'
import type { Change } from './state-changes.ts'

type Move = Omit<UpdateMachineChange, 'state' | 'changedAt'> & { words?: string }

/** The machine is in that state from now on, which its timeline tells. */
export async function moveMachine(
  change: Change,
  { update, machine }: WantedVersion,
  state: UpdateMachine['state'],
  { words, ...move }: Move = {},
): Promise<void> {
  const { machineId } = machine
  const next = { ...move, state, changedAt: change.now }
  await updateUpdateMachine(change.db, { updateId: update.id, machineId }, next)
  const seconds = secondsDown({ ...machine, state, changedAt: change.now })
  const said = words ?? move.reason ?? (seconds === undefined ? undefined : `${seconds.toFixed(1)} s after its restart`)
  await change.tell({
    ...{ machineId, kind: 'update', message: describeMove(machine, state, said ?? undefined) },
    data: { update: update.id, state, version: machine.version, ...(seconds !== undefined && { seconds }) },
  })
}

function describeMove(
  { image, version }: UpdateMachine,
  state: UpdateMachine['state'],
  said: string | undefined,
): string {
  const words = `update to ${image} (${version.slice(0, 12)}): ${state}`
  return said === undefined ? words : `${words}, ${said}`
}

export async function enterUpdate(
  change: Change,
  update: UpdateHead,
  next: UpdateChange,
  words: string,
): Promise<void> {
  await updateUpdate(change.db, update.id, next)
  await tellUpdate(change, { ...update, state: next.state ?? update.state }, words)
}

export async function tellUpdate(change: Change, { id, state }: UpdateHead, words: string): Promise<void> {
  await change.tell({ kind: 'update', message: `the update ${id} ${words}`, data: { update: id, updateState: state } })
}
