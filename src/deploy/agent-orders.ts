import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Deployment } from '../core/deployment.ts'
import type { Machine } from '../core/machine.ts'
import { type DeployOrder, type DeploySecrets, type Order, type SignedOrder, signOrder } from '../core/order.ts'
import { decodeSealingKey, seal } from '../core/seal.ts'
import type { Session } from '../store/session-rows.ts'
import type { AgentSessions } from './agent-sessions.ts'
import type { Deployments } from './deployments.ts'
import type { Machines } from './machines.ts'

/** Decides what an agent does now, from its machine's intent, and signs it for that agent alone. */
export class AgentOrders {
  readonly #machines: Machines
  readonly #deployments: Deployments
  readonly #sessions: AgentSessions
  readonly #orderKey: KeyObject
  readonly #proofKey: Uint8Array

  constructor(parts: {
    machines: Machines
    deployments: Deployments
    sessions: AgentSessions
    orderKey: KeyObject
    proofKey: Uint8Array
  }) {
    this.#machines = parts.machines
    this.#deployments = parts.deployments
    this.#sessions = parts.sessions
    this.#orderKey = parts.orderKey
    this.#proofKey = parts.proofKey
  }

  async orderFor(session: Session): Promise<Order> {
    const { agentNonce } = session
    const machine = await this.#machines.findById(session.machineId)
    // Without a boot token a machine is whoever it says it is: it waits, whatever the intent.
    if (!machine || session.tokenNonce === undefined) return { kind: 'wait', agentNonce }
    // Who it is must be settled first.
    if (machine.conflicts) return { kind: 'wait', agentNonce }
    if (machine.intent.kind === 'deploy') return this.#deployOrder(session, machine)
    const hasFailedHere = session.deploymentId !== undefined
    if (machine.intent.kind === 'local' && !hasFailedHere) {
      return { kind: 'reboot', agentNonce, reason: 'the machine is to boot its own disk' }
    }
    return { kind: 'wait', agentNonce }
  }

  sign(order: Order): SignedOrder {
    return signOrder(order, this.#orderKey)
  }

  /** The deployment that a first-boot callback's bearer proves, if it is one of ours. */
  deploymentOfProof(bearer: string): string | undefined {
    const [deploymentId = '', mac = ''] = bearer.split('.')
    const expected = Buffer.from(this.#proofMac(deploymentId))
    const given = Buffer.from(mac)
    return expected.length === given.length && timingSafeEqual(expected, given) ? deploymentId : undefined
  }

  async #deployOrder(session: Session, machine: Machine): Promise<Order> {
    const deployment = await this.#deployments.get(machine.intent.deploymentId!)
    await this.#sessions.assign(session, deployment.id)
    await this.#deployments.running(deployment.id)
    const previousVersion = (await this.#deployments.onDisk(machine.id))?.version
    return {
      kind: deployment.kind,
      deploymentId: deployment.id,
      machine: { id: machine.id, name: machine.name },
      agentNonce: session.agentNonce,
      ...(previousVersion !== undefined && { previousVersion }),
      ...orderFields(deployment),
      sealed: seal(Buffer.from(JSON.stringify(this.#secrets(deployment))), decodeSealingKey(session.publicKey)),
    }
  }

  #secrets(deployment: Deployment): DeploySecrets {
    return { proofToken: `${deployment.id}.${this.#proofMac(deployment.id)}` }
  }

  #proofMac(deploymentId: string): string {
    return createHmac('sha256', this.#proofKey).update(`proof ${deploymentId}`).digest('base64url')
  }
}

function orderFields(
  deployment: Deployment,
): Omit<DeployOrder, 'kind' | 'deploymentId' | 'machine' | 'agentNonce' | 'sealed' | 'previousVersion'> {
  const { image, version, rendition, diskRule, layout, filesystem, handOver, kernelArguments, keepVersions, verify } =
    deployment
  return { image, version, rendition, diskRule, layout, filesystem, handOver, kernelArguments, keepVersions, verify }
}
