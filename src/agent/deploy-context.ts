import type { KeyObject } from 'node:crypto'
import type { Mac } from '../bytes/mac.ts'
import type { ProgressReport } from '../core/agent-protocol.ts'
import type { Inventory } from '../core/inventory.ts'
import type { DeployOrder } from '../core/order.ts'
import type { DeploymentSetup } from '../core/setup.ts'
import type { Session } from './session.ts'
import type { StepReporter } from './step-reporter.ts'

/** What this boot of the agent brings to any deployment. */
export type AgentContext = {
  session: Session
  inventory: Inventory
  bootMac: Mac
  /** The tag that frames on that interface need, of the deployed system too. */
  vlan?: number
  /** Values of the agent's own `console=` arguments. */
  consoles: readonly string[]
  /** Kernel argument `bootwright.debug`: a person at the console may look around. */
  isDebugged?: boolean
  /** The agent leaves its consoles, for good: a login is to be there. */
  leaveConsoles?: () => void
  imagePublicKey: KeyObject
  /** Hears of every step at once, for the screen. */
  watch?: (report: ProgressReport) => void
}

/** One deployment under way. */
export type DeployContext = AgentContext & {
  order: DeployOrder
  reporter: StepReporter
  /** Aborted when the server does not want the deployment any more. */
  signal: AbortSignal
  /** Hooks and files of the order, where it has some. */
  setup?: DeploymentSetup
  /** Where the new root filesystem is mounted. */
  rootDirectory: string
}
