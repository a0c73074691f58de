import { Option } from 'commander'
import type { ListedMachine } from '../deploy/machine-selection.ts'
import type { Client } from './client.ts'

export type Chosen = { where?: string }

export function whereOption(): Option {
  return new Option(
    '--where <selector>',
    'machines by what they are: group=web,state=ready,label.rack=3,name=web-* (all must hold; != for the opposite)',
  )
}

/** Machines as the service lists them; those of a selector where one is given. */
export async function listMachines(client: Client, where?: string): Promise<ListedMachine[]> {
  const query = where === undefined ? '' : `?where=${encodeURIComponent(where)}`
  return (await client.request<{ machines: ListedMachine[] }>('GET', `/api/v1/machines/${query}`)).machines
}

/** The machines a command is about, of which there is one at least: by name, or by a selector, and not both. Throws what `refuse` throws. */
export async function chooseMachines(
  client: Client,
  names: readonly string[],
  { where }: Chosen,
  refuse: (reason: string) => never,
): Promise<string[]> {
  if (names.length > 0 === (where !== undefined)) {
    return refuse('error: say which machines: by their names, or by --where')
  }
  if (where === undefined) return [...names]
  const selected = await listMachines(client, where)
  if (selected.length === 0) throw new Error(`no machine is "${where}"; 'bootwright machine list' shows what they are`)
  return selected.map(({ name }) => name)
}
