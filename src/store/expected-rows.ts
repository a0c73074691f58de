import type { Mac } from '../bytes/mac.ts'
import type { ExpectedMachine } from '../core/expected-machine.ts'
import type { StateDatabase } from './state-database.ts'

/** In the order in which they were said. */
export async function listExpected(db: StateDatabase): Promise<ExpectedMachine[]> {
  const rows = await db.selectFrom('expected_machines').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map(({ id, name, serial, uuid, mac, group_name, labels_json, address }) => ({
    id,
    ...(name !== null && { name }),
    ...(serial !== null && { serial }),
    ...(uuid !== null && { uuid }),
    ...(mac !== null && { mac: mac as Mac }),
    ...(group_name !== null && { group: group_name }),
    ...(labels_json !== null && { labels: JSON.parse(labels_json) as Record<string, string> }),
    ...(address !== null && { address }),
  }))
}

export async function insertExpected(db: StateDatabase, expected: ExpectedMachine, now: number): Promise<void> {
  const { id, name, serial, uuid, mac, group, labels, address } = expected
  await db
    .insertInto('expected_machines')
    .values({
      ...{ id, name: name ?? null, serial: serial ?? null, uuid: uuid ?? null, mac: mac ?? null },
      ...{ group_name: group ?? null, labels_json: labels ? JSON.stringify(labels) : null, address: address ?? null },
      created_at: now,
    })
    .execute()
}

/** False when there was none. */
export async function deleteExpected(db: StateDatabase, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('expected_machines').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}
