import type { DeployWish } from './machine-order.ts'

/** What is ordered for a machine of the group when it is approved, where nothing was ever deployed to it. */
export type GroupDefaults = { name: string; onApproval: DeployWish }
