import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'

export type StateDatabase = Kysely<Schema>

/** The state database could not be opened or brought to this version's schema. */
export class StateUnavailable extends Error {
  override readonly name = 'StateUnavailable'
}

/**
 * Opens (or makes) the embedded database and migrates it. A commit is synced to disk before its promise resolves
 * (WAL, synchronous=FULL). The caller destroys it. Throws StateUnavailable.
 */
export async function openStateDatabase(file: string): Promise<StateDatabase> {
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const sqlite = new DatabaseSync(file)
    sqlite.exec('pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on; pragma busy_timeout=5000')
    const database = new Kysely<Schema>({ dialect: new SqliteDialect({ database: asKyselyDatabase(sqlite) }) })
    await migrate(database)
    return database
  } catch (cause) {
    throw new StateUnavailable(`Cannot open the state database ${file}: ${(cause as Error).message}`, { cause })
  }
}

async function migrate(database: StateDatabase): Promise<void> {
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

type PreparedStatement = {
  reader: boolean
  all(parameters: readonly unknown[]): unknown[]
  run(parameters: readonly unknown[]): ReturnType<StatementSync['run']>
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>
}

/** Preparing one takes longer than what most of them do. */
const mostPrepared = 500

/** Kysely's SQLite dialect asks a statement whether it returns rows; node:sqlite says it by its columns. */
function asKyselyDatabase(sqlite: DatabaseSync) {
  const prepared = new Map<string, PreparedStatement>()
  return {
    close: () => sqlite.close(),
    prepare(sql: string) {
      const known = prepared.get(sql)
      if (known) return known
      if (prepared.size >= mostPrepared) prepared.clear()
      const statement = sqlite.prepare(sql)
      const made = {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters: readonly unknown[]) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...(parameters as SQLInputValue[])),
      }
      prepared.set(sql, made)
      return made
    },
  }
}
