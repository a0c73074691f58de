import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import type { RamrootChoice } from '../core/intent.ts'
import type { Machine } from '../core/machine.ts'
import { oneLine } from '../core/one-line.ts'
import { failedInARow, isUnderWay, type RamrootBoot, ramrootBootSeconds } from '../core/ramroot.ts'
import type { VersionUse } from '../image/retention.ts'
import {
  findRamrootBoot,
  insertRamrootBoot,
  listOpenRamrootBoots,
  listRamrootBoots,
  listRunningRamroots,
  updateRamrootBoot,
} from '../store/ramroot-rows.ts'
import { NotFound } from './refusals.ts'
import type { Change, StateChanges } from './state-changes.ts'

export type RamrootReport = {
  step: 'fetching' | 'fetched' | 'notice' | 'ready' | 'failed'
  detail: string
  bytes: number
}

/** Boots of machines into versions that run from memory, each an entry of its own and an event. */
export class Ramroots {
  readonly #state: StateChanges
  readonly #callKey: Uint8Array

  constructor(state: StateChanges, callKey: Uint8Array) {
    this.#state = state
    this.#callKey = callKey
  }

  /** Of one machine, newest first. */
  list(machineId: string): Promise<RamrootBoot[]> {
    return listRamrootBoots(this.#state.db, machineId)
  }

  /** The one under way. Throws NotFound. */
  async current(machineId: string): Promise<RamrootBoot> {
    const [newest] = await this.list(machineId)
    if (newest && isUnderWay(newest)) return newest
    throw new NotFound('This machine is at no boot into memory: it took too long, or its script was fetched anew')
  }

  /**
   * The loader fetched its script: what was under way before ended without a word. `because`: why it is another version than
   * the one that was meant.
   */
  async begin(
    machine: Machine,
    { image, rendition }: RamrootChoice,
    { version, because }: { version: string; because?: string },
  ): Promise<RamrootBoot> {
    return this.#state.commit(async (change) => {
      for (const open of await listRamrootBoots(change.db, machine.id)) {
        if (isUnderWay(open)) await silence(change, open, 'the machine booted anew')
      }
      const boot: RamrootBoot = {
        ...{ id: randomUUID(), machineId: machine.id, image, version, rendition },
        ...{ state: 'loading', bytesFetched: 0, startedAt: change.now },
      }
      await insertRamrootBoot(change.db, boot)
      const why = because === undefined ? '' : `: ${because}`
      await tell(
        change,
        boot,
        `boots ${describe(boot)} from memory${why}`,
        because === undefined ? {} : { isFallBack: true },
      )
      return boot
    })
  }

  /** The early system spoke. */
  async starting({ id, state }: RamrootBoot): Promise<void> {
    if (state === 'loading') await updateRamrootBoot(this.#state.db, id, { state: 'starting' })
  }

  async report(boot: RamrootBoot, { step, detail, bytes }: RamrootReport): Promise<void> {
    const said = oneLine(detail, 500)
    await this.#state.commit(async (change) => {
      if (step === 'fetched') await updateRamrootBoot(change.db, boot.id, { bytesFetched: bytes })
      if (step === 'failed') await end(change, boot, 'failed', `${describe(boot)} did not come up: ${said}`, said)
      else await tell(change, boot, wordsOf(step, said, bytes), { step })
    })
  }

  /** What the system itself calls with; of this boot alone. */
  callToken({ id }: Pick<RamrootBoot, 'id'>): string {
    return `${id}.${this.#secret('up', id)}`
  }

  /** What the system asks with whether it is to run another version. */
  updateToken({ id }: Pick<RamrootBoot, 'id'>): string {
    return `${id}.${this.#secret('update', id)}`
  }

  /** Never sent but sealed: what the system is told is hashed with it. */
  updateKey({ id }: Pick<RamrootBoot, 'id'>): string {
    return this.#secret('update key', id)
  }

  /** The text with a last line that nobody else could write (checked by ramroot/update.sh, which has sha256sum and no HMAC). */
  signUpdate(boot: Pick<RamrootBoot, 'id'>, text: string): string {
    const key = this.updateKey(boot)
    const hash = (of: string) => createHash('sha256').update(`${key}${of}`).digest('hex')
    return `${text}mac ${hash(hash(text))}\n`
  }

  /** The boot that asks with this token, which is the machine's last. Undefined for any other. */
  async bootOfUpdate(token: string): Promise<RamrootBoot | undefined> {
    const id = this.#openToken('update', token)
    const boot = id === undefined ? undefined : await findRamrootBoot(this.#state.db, id)
    const [newest] = boot ? await listRamrootBoots(this.#state.db, boot.machineId, boot.startedAt) : []
    return boot && newest?.id === boot.id ? boot : undefined
  }

  /** The system in memory called. False for what is no token of ours. Saying it again changes nothing. */
  async cameUp(token: string, address: string): Promise<boolean> {
    const id = this.#openToken('up', token)
    if (id === undefined) return false
    await this.#state.commit(async (change) => {
      const boot = await findRamrootBoot(change.db, id)
      if (!boot || boot.state === 'up') return
      await end(change, boot, 'up', `${describe(boot)} runs from memory: it called from ${address}`)
    })
    return true
  }

  #openToken(purpose: 'up' | 'update', token: string): string | undefined {
    const [id = ''] = token.split('.')
    const [expected, given] = [Buffer.from(`${id}.${this.#secret(purpose, id)}`), Buffer.from(token)]
    return expected.length === given.length && timingSafeEqual(expected, given) ? id : undefined
  }

  #secret(purpose: 'up' | 'update' | 'update key', id: string): string {
    return createHmac('sha256', this.#callKey).update(`ramroot ${purpose} ${id}`).digest('base64url')
  }

  /** Boots of which nothing more was heard in time. */
  async expireOverdue(): Promise<void> {
    const before = this.#state.now() - ramrootBootSeconds * 1000
    for (const boot of await listOpenRamrootBoots(this.#state.db, before)) {
      const usually =
        'Usually the kernel or a service of the version hangs, or it has no systemd to call: look at its console'
      await this.#state.commit((change) =>
        silence(change, boot, `nothing was heard of it within ${ramrootBootSeconds / 60} minutes. ${usually}`),
      )
    }
  }

  /** What machines run from memory is not removed. */
  async versionsInUse(): Promise<VersionUse[]> {
    return (await listRunningRamroots(this.#state.db)).map(({ version }) => ({
      version,
      why: 'a machine runs it from memory',
    }))
  }
}

function describe({ image, version, rendition }: RamrootBoot): string {
  return `${image} (${version.slice(0, 12)}) as ${rendition}`
}

function wordsOf(step: RamrootReport['step'], detail: string, bytes: number): string {
  switch (step) {
    case 'fetching':
      return 'the early system has enough memory and fetches the root'
    case 'fetched':
      return `the root is in memory, ${(bytes / 1e6).toFixed(1)} MB, as it was made`
    case 'ready':
      return 'the root is ready, its own init is started'
    default:
      return detail
  }
}

function silence(change: Change, boot: RamrootBoot, why: string): Promise<void> {
  return end(change, boot, 'silent', `${describe(boot)} did not come up: ${why}`, why)
}

async function end(
  change: Change,
  boot: RamrootBoot,
  state: 'up' | 'failed' | 'silent',
  message: string,
  failure?: string,
): Promise<void> {
  await updateRamrootBoot(change.db, boot.id, { state, endedAt: change.now, ...(failure !== undefined && { failure }) })
  const failures = failedInARow(await listRamrootBoots(change.db, boot.machineId), boot.version)
  await tell(change, boot, failures > 1 ? `${message} (${failures} times in a row)` : message, { state, failures })
}

function tell(
  change: Change,
  boot: RamrootBoot,
  message: string,
  data: Record<string, unknown> = {},
): Promise<unknown> {
  const { machineId, id, version, rendition } = boot
  return change.tell({ machineId, kind: 'ramroot', message, data: { boot: id, version, rendition, ...data } })
}
