import { join } from 'node:path'
import type { Deployment, DeploymentState } from '../../core/deployment.ts'
import type { DiskRule } from '../../core/disk-rule.ts'
import type { Layout } from '../../core/layout.ts'
import type { Machine } from '../../core/machine.ts'
import type { TimelineEvent } from '../../core/timeline.ts'
import { awaitLoginPrompt, logIn, type Shell } from '../../rack/login.ts'
import type { RackMachine } from '../../rack/machine.ts'
import { type MachineRequest, Rack } from '../../rack/rack.ts'
import { Service } from '../../rack/service.ts'
import { type Client, openClient } from '../client.ts'
import type { RackCase } from './case.ts'
import type { RackSupplies } from './supplies.ts'
import { Timeline } from './timeline.ts'

/** A deployment that ended otherwise than it should; the message names its step. */
export class DeploymentEnded extends Error {
  override readonly name = 'DeploymentEnded'
  readonly deployment: Deployment

  constructor(deployment: Deployment, awaited: DeploymentState) {
    const step = deployment.step ? ` at the step ${deployment.step}` : ''
    const reason = deployment.failure ? `: ${deployment.failure}` : ''
    super(`The deployment should have become ${awaited}, but it is ${deployment.state}${step}${reason}`)
    this.deployment = deployment
  }
}

export type SiteOptions = {
  directory: string
  supplies: RackSupplies
  log: (line: string) => void
  /** `machine` is its name, empty where the event is about none of the rack's. */
  onEvent: (event: TimelineEvent, machine: string) => void
  managementFd?: number
  rackCase?: Pick<RackCase, 'surround' | 'serveOptions' | 'siteFile'>
}

export type DeployRequest = Partial<
  Pick<Deployment, 'rendition' | 'filesystem' | 'handOver' | 'kernelArguments' | 'proofSeconds'>
> & { image?: string; disk?: DiskRule; layout?: string | Layout }

const endStates: readonly DeploymentState[] = ['proved', 'unproved', 'failed', 'cancelled', 'frozen']
/** Emulated machines are slow, and slower beside others. */
const loginTimeoutMs = 5 * 60_000
const agentTimeoutMs = 4 * 60_000
/** Nothing takes so long that does not fail; a case as a whole has its own limit (run-cases.ts). */
const stateTimeoutMs = 15 * 60_000

/** A rack with the real service beside its switch: what a rack case and the trial work with. Lives inside the rack. */
export class RackSite implements AsyncDisposable {
  readonly rack: Rack
  readonly service: Service
  readonly client: Client
  readonly timeline: Timeline
  readonly supplies: RackSupplies
  readonly log: (line: string) => void
  /** Of the machines in the rack, by the service's ids. */
  readonly #names = new Map<string, string>()

  private constructor(rack: Rack, service: Service, { supplies, log, onEvent }: SiteOptions) {
    this.rack = rack
    this.service = service
    this.supplies = supplies
    this.log = log
    this.client = openClient({ socketPath: service.socketPath })
    this.timeline = new Timeline(
      (after, signal) => this.client.events({ after }, signal),
      (event) => onEvent(event, this.#names.get(event.machineId ?? '') ?? ''),
    )
  }

  static async open(options: SiteOptions): Promise<RackSite> {
    const { directory, supplies, managementFd, rackCase = {} } = options
    const { imagesDirectory, keysDirectory, ramdiskDirectory, accelerator } = supplies
    const rack = await Rack.open({ directory, accelerator })
    await rackCase.surround?.(rack)
    const places = { directory: join(directory, 'service'), imagesDirectory, keysDirectory, ramdiskDirectory }
    const service = new Service({
      ...places,
      options: rackCase.serveOptions ?? [],
      ...(rackCase.siteFile !== undefined && { siteFile: rackCase.siteFile }),
      ...(managementFd !== undefined && { managementFd }),
    })
    await service.start()
    return new RackSite(rack, service, options)
  }

  /** Puts a machine into the rack, switched off, and makes it known to the service by its MAC address. */
  async addMachine(request: MachineRequest): Promise<RackMachine> {
    const machine = await this.rack.addMachine(request)
    const path = `/api/v1/machines/${request.name}`
    const known = await this.client.request<{ machine: Machine }>('PUT', path, { macs: [machine.spec.mac] })
    this.#names.set(known.machine.id, request.name)
    return machine
  }

  /** Orders a deployment of the test image; it begins at the machine's next network boot. */
  async deploy(machine: RackMachine, request: DeployRequest = {}): Promise<string> {
    const body = { machine: machine.spec.name, image: this.supplies.image, ...request }
    const answer = await this.client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments', body)
    return answer.deployment.id
  }

  /** What `bootwright retry` does. */
  async retry(machine: RackMachine): Promise<Deployment> {
    const path = '/api/v1/deployments/retry'
    const body = { machine: machine.spec.name }
    return (await this.client.request<{ deployment: Deployment }>('POST', path, body)).deployment
  }

  /** Switches the machine on; gives the seconds to the agent's first word. Rejects with TimelineTimeout. */
  async bootAgent(machine: RackMachine, timeoutMs = agentTimeoutMs): Promise<number> {
    const startedAt = Date.now()
    await machine.powerOn()
    const isFirstWord = ({ kind, at }: TimelineEvent) => kind === 'agent' && at >= startedAt
    const agent = await this.timeline.waitFor(isFirstWord, { timeoutMs, what: 'the agent' })
    return (agent.at - startedAt) / 1000
  }

  /** All that the service knows. */
  async machines(): Promise<Machine[]> {
    return (await this.client.request<{ machines: Machine[] }>('GET', '/api/v1/machines/')).machines
  }

  async deployment(id: string): Promise<Deployment> {
    return (await this.client.request<{ deployment: Deployment }>('GET', `/api/v1/deployments/${id}`)).deployment
  }

  /** Waits for a state. Rejects with DeploymentEnded when it can no longer come, TimelineTimeout when it takes too long. */
  async awaitState(id: string, state: DeploymentState, timeoutMs = stateTimeoutMs): Promise<Deployment> {
    await this.timeline.waitFor(
      (event) => {
        const entered = event.deploymentId === id && event.kind === 'deployment' ? event.data?.state : undefined
        return entered === state || endStates.includes(entered as DeploymentState)
      },
      { timeoutMs, what: `the deployment become ${state}` },
    )
    const deployment = await this.deployment(id)
    const entered = this.timeline.events.some((event) => event.deploymentId === id && event.data?.state === state)
    if (!entered) throw new DeploymentEnded(deployment, state)
    return deployment
  }

  /** Waits for the login prompt of the deployed system and logs in with the recipe's password. */
  async logIn(machine: RackMachine, timeoutMs = loginTimeoutMs): Promise<Shell> {
    await awaitLoginPrompt(machine.console, timeoutMs)
    return logIn(machine.console, this.supplies.credentials)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.timeline[Symbol.dispose]()
    await this.rack[Symbol.asyncDispose]()
    await this.service.stop()
  }
}
