import type { Mac } from '../bytes/mac.ts'
import type { Options } from '../dhcp/options.ts'
import type { Place } from './imported.ts'

/** What a machine boots by. */
export const toldNames = ['address', 'boot file', 'server', 'root path', '209', '210'] as const
export type ToldName = (typeof toldNames)[number]

/** One thing a client learns, and the line that says so. */
export type Said = { text: string; place?: Place }

/** `unclear`: what it answers cannot be told from its file, and why. */
export type ServerAnswer =
  | { kind: 'answer'; told: Partial<Record<ToldName, Said>> }
  | { kind: 'none'; reason: string }
  | { kind: 'unclear'; reason: string }

/** The address is one of a pool. */
export const fromPool = 'from the pool'
/** The server's own address, which need not be known where its file is rehearsed. */
export const itself = 'itself'

/** A client on that network (`10.0.0.0/24`), asking with these options. */
export type OldClient = { mac: Mac; options: Options; subnet: string }

/** An old server, as its file says it answers; nothing of the import is in it. */
export interface OldServer {
  /** Machines its file knows, and the network each of them is on. */
  readonly machines: readonly { name: string; mac: Mac; subnet: string }[]
  /** Networks where it answers. */
  readonly subnets: readonly string[]
  /** Its file speaks of Apple's NetBoot. */
  readonly knowsMacs: boolean
  answer(client: OldClient): ServerAnswer
}

/** What of the compared options firmware asks for (option 55): PXE, UEFI and iPXE alike, and none asks for 209 and 210. */
export const askedByFirmware: readonly number[] = [1, 3, 6, 12, 15, 17, 43, 54, 60, 66, 67]

/** What an old server answers hangs on something that is not known here; `unlessUnclear` makes an answer of it. */
export class Unclear extends Error {
  override readonly name = 'Unclear'
}

export function unlessUnclear(answer: () => ServerAnswer): ServerAnswer {
  try {
    return answer()
  } catch (error) {
    if (error instanceof Unclear) return { kind: 'unclear', reason: error.message }
    throw error
  }
}
