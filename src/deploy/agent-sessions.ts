import { createHash, randomBytes } from 'node:crypto'
import type { Machine } from '../core/machine.ts'
import {
  assignSession,
  deleteSessions,
  deleteTokenUses,
  findSession,
  findTokenUse,
  insertSession,
  insertTokenUse,
  type Session,
} from '../store/session-rows.ts'
import { Forbidden } from './refusals.ts'
import type { StateChanges } from './state-changes.ts'

export type SessionOffer = {
  machine: Machine
  /** Of a boot token that was checked already; absent for a machine that came without one. */
  tokenNonce?: string
  /** Without one: whoever stands at its console may choose what is written to it. */
  hasMenu?: boolean
  publicKey: string
  agentNonce: string
}

export type SessionOutcome = { kind: 'opened'; bearer: string } | { kind: 'token-used-twice' }

/** Sessions of agents: a boot token is exchanged once, for the holder of one key; bearers are kept only as hashes. */
export class AgentSessions {
  readonly #state: StateChanges

  constructor(state: StateChanges) {
    this.#state = state
  }

  /** Repeating the exchange with the same key (an answer was lost) opens a new session in the old one's place. */
  async open(offer: SessionOffer): Promise<SessionOutcome> {
    return this.#state.commit(async ({ db, now, tell }) => {
      const { machine, tokenNonce, publicKey, agentNonce } = offer
      if (tokenNonce !== undefined) {
        const usedFor = await findTokenUse(db, tokenNonce)
        if (usedFor !== undefined && usedFor !== publicKey) return { kind: 'token-used-twice' as const }
        if (usedFor === undefined)
          await insertTokenUse(db, { nonce: tokenNonce, machineId: machine.id, publicKey }, now)
      }
      // An anonymous newcomer must not end the session of the machine it claims to be.
      await deleteSessions(db, machine.id, tokenNonce === undefined ? 'anonymous' : 'all')
      const bearer = randomBytes(32).toString('base64url')
      await insertSession(
        db,
        {
          bearerHash: hashBearer(bearer),
          machineId: machine.id,
          ...(tokenNonce !== undefined && { tokenNonce }),
          publicKey,
          agentNonce,
        },
        now,
      )
      await tell({
        machineId: machine.id,
        kind: 'agent',
        message: describeWhoIsUp(offer),
      })
      return { kind: 'opened' as const, bearer }
    })
  }

  /** Throws Forbidden. */
  async authenticate(bearer: string): Promise<Session> {
    const session = await findSession(this.#state.db, hashBearer(bearer))
    if (!session)
      throw new Forbidden('This session is not known: the machine has booted again since, or never exchanged its token')
    return session
  }

  async assign(session: Session, workId: string): Promise<void> {
    if (session.workId === workId) return
    await this.#state.commit(({ db }) => assignSession(db, session.bearerHash, workId))
  }

  /** Whether a boot token was exchanged already. */
  async isExchanged(tokenNonce: string): Promise<boolean> {
    return (await findTokenUse(this.#state.db, tokenNonce)) !== undefined
  }

  /** Token uses are needed only while the token would still be valid. */
  async forgetOldTokens(olderThanMs: number): Promise<void> {
    await deleteTokenUses(this.#state.db, this.#state.now() - olderThanMs)
  }
}

function describeWhoIsUp({ machine, tokenNonce, hasMenu = false }: SessionOffer): string {
  if (tokenNonce === undefined) {
    const may = hasMenu ? 'it gets what is chosen at its console, and nothing else' : 'it may only look around'
    return `the agent is up, without a boot token: ${may}`
  }
  return machine.intent.kind === 'ramroot' ? 'the early system of what runs from memory is up' : 'the agent is up'
}

function hashBearer(bearer: string): string {
  return createHash('sha256').update(bearer).digest('hex')
}
