import type { Inventory } from '../core/inventory.ts'
import { type Machine, noGroup } from '../core/machine.ts'
import { freeName, makeName } from '../core/name-pattern.ts'
import type { NewcomerRules } from '../core/newcomer.ts'
import { listExpected } from '../store/expected-rows.ts'
import { listMachines } from '../store/machine-rows.ts'
import { setMachine } from './set-machine.ts'
import type { Change } from './state-changes.ts'

const madeName = /^m-[0-9a-f]{12}$/

/** Gives a machine that nobody named or grouped yet what the site says of newcomers, once its agent has told what it is. */
export async function nameNewcomer(
  change: Change,
  machine: Machine,
  { smbios }: Inventory,
  { name: pattern, dnsName, group, labels }: NewcomerRules & { dnsName?: string },
): Promise<Machine> {
  const name = madeName.test(machine.name) ? await chooseName(change, machine, smbios, pattern, dnsName) : undefined
  const isGrouped = machine.group !== noGroup
  const settings = {
    ...(name !== undefined && { newName: name }),
    ...(group !== undefined && !isGrouped && group !== noGroup && { group }),
    ...(labels && !machine.labels && { labels }),
  }
  return Object.keys(settings).length === 0 ? machine : setMachine(change, machine.name, settings)
}

async function chooseName(
  change: Change,
  { id, macs: [mac] }: Machine,
  smbios: Inventory['smbios'],
  pattern: string | undefined,
  dnsName: string | undefined,
): Promise<string | undefined> {
  const others = (await listMachines(change.db)).filter((other) => other.id !== id)
  const taken = new Set([...others, ...(await listExpected(change.db))].map(({ name }) => name))
  const isTaken = (name: string) => taken.has(name)
  const fromDns = dnsName === undefined ? undefined : freeName(dnsName, isTaken)
  return fromDns ?? (pattern === undefined ? undefined : makeName(pattern, { smbios, mac: mac ?? '' }, isTaken))
}
