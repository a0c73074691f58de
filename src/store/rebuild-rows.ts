import type { Selectable } from 'kysely'
import type { Promotion, RebuildOutcome, UpdatesWanted } from '../core/rebuild.ts'
import type { Schema } from './schema.ts'
import type { StateDatabase } from './state-database.ts'

/** An image that is made anew from its model; `source` as the API's import takes it. */
export type RebuildRow = {
  image: string
  source: unknown
  cleanUp: string[]
  every: string
  promotion: Promotion
  updates?: UpdatesWanted
  dueAt: number
  /** What the model's package databases were like when it was built last. */
  fingerprint?: string
  /** The version that it was built on last, of a layer. */
  builtOn?: string
  outcome?: RebuildOutcome
}

export async function putRebuild(db: StateDatabase, rebuild: RebuildRow): Promise<void> {
  const { image, source, cleanUp, every, promotion, updates, dueAt, fingerprint, builtOn, outcome } = rebuild
  const values = {
    ...{ source_json: JSON.stringify(source), clean_up_json: JSON.stringify(cleanUp), every, promotion },
    ...{ updates: updates ?? null, built_on: builtOn ?? null },
    ...{ due_at: dueAt, fingerprint: fingerprint ?? null, outcome_json: outcome ? JSON.stringify(outcome) : null },
  }
  await db
    .insertInto('rebuilds')
    .values({ image, ...values })
    .onConflict((conflict) => conflict.column('image').doUpdateSet(values))
    .execute()
}

export async function findRebuild(db: StateDatabase, image: string): Promise<RebuildRow | undefined> {
  const row = await db.selectFrom('rebuilds').selectAll().where('image', '=', image).executeTakeFirst()
  return row && fromRow(row)
}

export async function listRebuilds(db: StateDatabase): Promise<RebuildRow[]> {
  return (await db.selectFrom('rebuilds').selectAll().orderBy('image').execute()).map(fromRow)
}

export async function deleteRebuild(db: StateDatabase, image: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('rebuilds').where('image', '=', image).executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

function fromRow(row: Selectable<Schema['rebuilds']>): RebuildRow {
  return {
    image: row.image,
    source: JSON.parse(row.source_json) as unknown,
    cleanUp: JSON.parse(row.clean_up_json) as string[],
    every: row.every,
    promotion: row.promotion,
    ...(row.updates !== null && { updates: row.updates }),
    dueAt: Number(row.due_at),
    ...(row.fingerprint !== null && { fingerprint: row.fingerprint }),
    ...(row.built_on !== null && { builtOn: row.built_on }),
    ...(row.outcome_json !== null && { outcome: JSON.parse(row.outcome_json) as RebuildOutcome }),
  }
}
