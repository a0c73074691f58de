import type { StateDatabase } from './state-database.ts'

/** An agent's right to report for a machine, from one boot attempt until the next. */
export type Session = {
  bearerHash: string
  machineId: string
  /** Absent when the machine came without a boot token: it may be discovered, and may choose at its console where the site lets anyone. */
  tokenNonce?: string
  /** The deployment or errand whose order it was given. */
  workId?: string
  /** X25519, SPKI DER, base64. */
  publicKey: string
  agentNonce: string
}

export async function insertSession(db: StateDatabase, session: Session, now: number): Promise<void> {
  await db
    .insertInto('sessions')
    .values({
      bearer_hash: session.bearerHash,
      machine_id: session.machineId,
      token_nonce: session.tokenNonce ?? null,
      work_id: session.workId ?? null,
      public_key: session.publicKey,
      agent_nonce: session.agentNonce,
      created_at: now,
    })
    .execute()
}

export async function findSession(db: StateDatabase, bearerHash: string): Promise<Session | undefined> {
  const row = await db.selectFrom('sessions').selectAll().where('bearer_hash', '=', bearerHash).executeTakeFirst()
  if (!row) return undefined
  return {
    bearerHash: row.bearer_hash,
    machineId: row.machine_id,
    ...(row.token_nonce !== null && { tokenNonce: row.token_nonce }),
    ...(row.work_id !== null && { workId: row.work_id }),
    publicKey: row.public_key,
    agentNonce: row.agent_nonce,
  }
}

/** Whether an agent that came with a boot token speaks for the machine. */
export async function hasTokenSession(db: StateDatabase, machineId: string): Promise<boolean> {
  const query = db.selectFrom('sessions').select('bearer_hash').where('machine_id', '=', machineId)
  return (await query.where('token_nonce', 'is not', null).executeTakeFirst()) !== undefined
}

export async function assignSession(db: StateDatabase, bearerHash: string, workId: string): Promise<void> {
  await db.updateTable('sessions').set({ work_id: workId }).where('bearer_hash', '=', bearerHash).execute()
}

export async function deleteSessions(db: StateDatabase, machineId: string, which: 'all' | 'anonymous'): Promise<void> {
  let query = db.deleteFrom('sessions').where('machine_id', '=', machineId)
  if (which === 'anonymous') query = query.where('token_nonce', 'is', null)
  await query.execute()
}

/** The public key a token was exchanged for, if it was. */
export async function findTokenUse(db: StateDatabase, nonce: string): Promise<string | undefined> {
  const row = await db.selectFrom('used_tokens').select('public_key').where('nonce', '=', nonce).executeTakeFirst()
  return row?.public_key
}

export async function insertTokenUse(
  db: StateDatabase,
  use: { nonce: string; machineId: string; publicKey: string },
  now: number,
): Promise<void> {
  await db
    .insertInto('used_tokens')
    .values({ nonce: use.nonce, machine_id: use.machineId, public_key: use.publicKey, used_at: now })
    .execute()
}

export async function deleteTokenUses(db: StateDatabase, usedBefore: number): Promise<void> {
  await db.deleteFrom('used_tokens').where('used_at', '<', usedBefore).execute()
}
