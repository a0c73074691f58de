import { Check } from 'typebox/value'
import type { Deployment } from '../core/deployment.ts'
import type { Errand } from '../core/errand.ts'
import type { Machine } from '../core/machine.ts'
import { RescueResult } from '../core/rescue.ts'
import { Conflict } from '../deploy/refusals.ts'
import { listEvents } from '../store/event-rows.ts'
import type { Management } from './management.ts'

/** How a machine is reached by SSH: only one that shows one of these keys is it. */
export type SshPlace = { system: 'rescue' | 'deployed'; address: string; hostKeys: string[] }

type Parts = Pick<Management, 'state' | 'deployments' | 'errands'>

/** The system that the machine came up with last. Throws Conflict where none is known that has told its host keys. */
export async function findSsh(parts: Parts, machine: Machine): Promise<SshPlace> {
  const rescue = (await parts.errands.list(machine.id)).find(isReached)
  const deployed = await parts.deployments.onDisk(machine.id)
  if (rescue && !(await hasBootedSince(parts, machine, rescue.finishedAt ?? 0))) return placeOfRescue(rescue)
  if (deployed && deployed.sshHostKeys.length > 0) return placeOfDeployed(parts, machine, deployed)
  throw new Conflict(
    `No SSH host key of ${machine.name} is known: it is not being rescued, and no deployed system has told its keys; see 'bootwright rescue ${machine.name}'`,
  )
}

type Reached = Errand & { result: RescueResult }

function isReached(errand: Errand): errand is Reached {
  return errand.work.kind === 'rescue' && Check(RescueResult, errand.result)
}

function placeOfRescue({ result }: Reached): SshPlace {
  return { system: 'rescue', address: result.address, hostKeys: [result.hostKey] }
}

/** A script was given for another boot. */
async function hasBootedSince({ state }: Parts, { id }: Machine, time: number): Promise<boolean> {
  const scripts = await listEvents(state.db, { machineId: id, kinds: ['script'], since: time, limit: 1 })
  return scripts.length > 0
}

async function placeOfDeployed({ state }: Parts, machine: Machine, { sshHostKeys }: Deployment): Promise<SshPlace> {
  const hostKeys = sshHostKeys.map((line) => line.split(' ').slice(0, 2).join(' '))
  const address = machine.address ?? (await lastAddress(state, machine.id))
  if (address === undefined) throw new Conflict(`No address of ${machine.name} is known: it was not seen by DHCP`)
  return { system: 'deployed', address, hostKeys }
}

/** Where a deployed system called from, or what the machine's firmware was given last. */
async function lastAddress(state: Parts['state'], machineId: string): Promise<string | undefined> {
  const events = await listEvents(state.db, { machineId, kinds: ['deployment', 'dhcp'] })
  const addresses = events.map(({ data }) => data?.address).filter((one) => typeof one === 'string')
  return addresses.at(-1)
}
