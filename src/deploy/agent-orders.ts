import { createHmac, type KeyObject, sign, timingSafeEqual } from 'node:crypto'
import type { Deployment } from '../core/deployment.ts'
import { withoutScript } from '../core/errand.ts'
import type { Machine } from '../core/machine.ts'
import {
  type DeployOrder,
  type DeploySecrets,
  type ErrandSecrets,
  type Order,
  type SignedOrder,
  signOrder,
} from '../core/order.ts'
import { goesOn } from '../core/retry.ts'
import { decodeSealingKey, seal } from '../core/seal.ts'
import type { Session } from '../store/session-rows.ts'
import type { AgentSessions } from './agent-sessions.ts'
import { Departures } from './departures.ts'
import type { Deployments } from './deployments.ts'
import type { Errands } from './errands.ts'
import type { Machines } from './machines.ts'

/** Decides what an agent does now, from its machine's intent, and signs it for that agent alone. */
export class AgentOrders {
  readonly #machines: Machines
  readonly #deployments: Deployments
  readonly #errands: Errands
  readonly #sessions: AgentSessions
  readonly #orderKey: KeyObject
  readonly #proofKey: Uint8Array
  readonly #passwordHash: string | undefined
  readonly departures = new Departures()

  constructor(parts: {
    machines: Machines
    deployments: Deployments
    errands: Errands
    sessions: AgentSessions
    orderKey: KeyObject
    proofKey: Uint8Array
    /** For root at the console of a machine that is rescued. */
    passwordHash?: string
  }) {
    this.#machines = parts.machines
    this.#deployments = parts.deployments
    this.#errands = parts.errands
    this.#sessions = parts.sessions
    this.#orderKey = parts.orderKey
    this.#proofKey = parts.proofKey
    this.#passwordHash = parts.passwordHash
  }

  /** `showsMenu`: somebody at the console wants to choose, or may. */
  async orderFor(session: Session, { showsMenu = false } = {}): Promise<Order> {
    const { agentNonce } = session
    const nothing: Order = { kind: showsMenu ? 'menu' : 'wait', agentNonce }
    const machine = await this.#machines.findById(session.machineId)
    if (!machine) return { kind: 'wait', agentNonce }
    // Who it is must be settled first.
    if (machine.conflicts) return nothing
    const { deploymentId } = machine.intent
    // Without a boot token a machine is whoever it says it is: it gets what this very session chose, and nothing else.
    if (session.tokenNonce === undefined) {
      return deploymentId !== undefined && deploymentId === session.workId
        ? this.#deployOrder(session, machine)
        : nothing
    }
    if (this.departures.take(machine.id)) return { kind: 'reboot', agentNonce, reason: 'an operator wants it' }
    if (await this.#isKeptByOther(session, machine)) {
      return { kind: 'reboot', agentNonce, reason: `the order ${machine.intent.kind} begins with a boot of its own` }
    }
    if (machine.intent.kind === 'deploy') return this.#deployOrder(session, machine)
    if (machine.intent.errandId !== undefined) return this.#errandOrder(session, machine, machine.intent.errandId)
    // Who had work here waits for a person, or for what comes next.
    const hadWork = session.workId !== undefined
    const isElsewhere = ['local', 'kernel', 'ramroot'].includes(machine.intent.kind)
    if (isElsewhere && !hadWork && !showsMenu) return { kind: 'reboot', agentNonce, reason: whyReboot(machine) }
    return machine.intent.kind === 'menu' ? { kind: 'menu', agentNonce } : nothing
  }

  /** A machine that was rescued, or where a script was run, is not as a new order wants it: disks are in use. */
  async #isKeptByOther({ workId }: Session, { intent }: Machine): Promise<boolean> {
    const ordered = intent.deploymentId ?? intent.errandId
    if (workId === undefined || ordered === undefined || ordered === workId) return false
    const kind = (await this.#errands.find(workId))?.work.kind
    return kind === 'rescue' || kind === 'run'
  }

  sign(order: Order): SignedOrder {
    return signOrder(order, this.#orderKey)
  }

  /** Base64; for what reads an order line by line (core/ramroot-order.ts). */
  signText(text: string): string {
    return sign(null, Buffer.from(text), this.#orderKey).toString('base64')
  }

  /** The deployment that a first-boot callback's bearer proves, if it is one of ours. */
  deploymentOfProof(bearer: string): string | undefined {
    return this.#openToken('proof', bearer)
  }

  /** The errand that a done URL's token ends, if it is one of ours. */
  errandOfDone(token: string): string | undefined {
    return this.#openToken('done', token)
  }

  doneToken(errandId: string): string {
    return `${errandId}.${this.#mac('done', errandId)}`
  }

  async #deployOrder(session: Session, machine: Machine): Promise<Order> {
    const deployment = await this.#deployments.get(machine.intent.deploymentId!)
    if (deployment.sessionOnly && session.workId !== deployment.id) {
      return { kind: 'wait', agentNonce: session.agentNonce }
    }
    await this.#sessions.assign(session, deployment.id)
    await this.#deployments.running(deployment.id)
    const previousVersion = (await this.#deployments.onDisk(machine.id))?.version
    return {
      kind: deployment.kind,
      deploymentId: deployment.id,
      machine: { id: machine.id, name: machine.name },
      agentNonce: session.agentNonce,
      ...(previousVersion !== undefined && { previousVersion }),
      ...(goesOn(deployment) && { goesOn: true }),
      ...orderFields(deployment),
      sealed: sealTo(session, await this.#secrets(deployment)),
    }
  }

  async #errandOrder(session: Session, machine: Machine, errandId: string): Promise<Order> {
    const { agentNonce } = session
    const { work, state } = await this.#errands.get(errandId)
    if (work.kind === 'kernel') return { kind: 'reboot', agentNonce, reason: whyReboot(machine) }
    // What is done at every boot was done in this one.
    if (state === 'queued' && session.workId === errandId) return { kind: 'wait', agentNonce }
    await this.#sessions.assign(session, errandId)
    await this.#errands.running(errandId)
    const secrets: ErrandSecrets = {
      doneToken: this.doneToken(errandId),
      ...(work.kind === 'rescue' && this.#passwordHash !== undefined && { passwordHash: this.#passwordHash }),
    }
    return {
      ...{ kind: 'errand', errandId, agentNonce, machine: { id: machine.id, name: machine.name } },
      work: withoutScript(work),
      sealed: sealTo(session, secrets),
    }
  }

  async #secrets({ id }: Deployment): Promise<DeploySecrets> {
    const setup = await this.#deployments.setup(id)
    return { proofToken: `${id}.${this.#mac('proof', id)}`, ...(setup && { setup }) }
  }

  #openToken(purpose: TokenPurpose, token: string): string | undefined {
    const [workId = '', mac = ''] = token.split('.')
    const expected = Buffer.from(this.#mac(purpose, workId))
    const given = Buffer.from(mac)
    return expected.length === given.length && timingSafeEqual(expected, given) ? workId : undefined
  }

  #mac(purpose: TokenPurpose, workId: string): string {
    return createHmac('sha256', this.#proofKey).update(`${purpose} ${workId}`).digest('base64url')
  }
}

type TokenPurpose = 'proof' | 'done'

function sealTo({ publicKey }: Session, secrets: object): string {
  return seal(Buffer.from(JSON.stringify(secrets)), decodeSealingKey(publicKey))
}

function whyReboot({ intent: { kind } }: Machine): string {
  return kind === 'local' ? 'the machine is to boot its own disk' : `the machine's intent is ${kind}`
}

function orderFields(
  deployment: Deployment,
): Omit<DeployOrder, 'kind' | 'deploymentId' | 'machine' | 'agentNonce' | 'sealed' | 'previousVersion' | 'goesOn'> {
  const { image, version, rendition, diskRule, layout, filesystem, handOver, kernelArguments, keepVersions, verify } =
    deployment
  return { image, version, rendition, diskRule, layout, filesystem, handOver, kernelArguments, keepVersions, verify }
}
