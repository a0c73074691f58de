import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Lease } from '../core/lease.ts'
import type { LeaseWorkerAnswer, LeaseWorkerRequest } from './lease-store.ts'

/*
 * The thread that owns the lease database. One request is one transaction: all leases that arrived while the last one
 * was being synced share the next sync. The answer is posted after COMMIT, which with synchronous=FULL has synced the log.
 */

const { file } = workerData as { file: string }
const port = parentPort!
const database = new DatabaseSync(file, { timeout: 5000 })
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000;
  CREATE TABLE IF NOT EXISTS lease (
    address INTEGER PRIMARY KEY,
    client TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  DROP INDEX IF EXISTS lease_client;
`)

const put = database.prepare(
  `INSERT INTO lease (address, client, granted_at, expires_at) VALUES (?, ?, ?, ?)
   ON CONFLICT (address) DO UPDATE
   SET client = excluded.client, granted_at = excluded.granted_at, expires_at = excluded.expires_at`,
)
const all = database.prepare(
  'SELECT address, client, granted_at AS grantedAt, expires_at AS expiresAt FROM lease ORDER BY granted_at',
)

port.on('message', (request: LeaseWorkerRequest) => {
  if (request.kind === 'close') {
    database.close()
    port.close()
    return
  }
  port.postMessage(answer(request))
})

function answer(request: Exclude<LeaseWorkerRequest, { kind: 'close' }>): LeaseWorkerAnswer {
  try {
    if (request.kind === 'load') return { kind: 'leases', leases: all.all() as unknown as Lease[] }
    commit(request.leases)
    return { kind: 'committed' }
  } catch (error) {
    return { kind: 'failed', reason: (error as Error).message }
  }
}

function commit(leases: Lease[]): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const { address, client, grantedAt, expiresAt } of leases) {
      put.run(address, client, grantedAt, expiresAt)
    }
    database.exec('COMMIT')
  } catch (error) {
    // A full disk may have rolled it back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
