import { Resolver } from 'node:dns/promises'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import { Approvals } from '../deploy/approvals.ts'
import type { BootPlane } from './boot-plane.ts'
import { newcomerOf } from './newcomer-of.ts'
import { orderOnApproval } from './on-approval.ts'

/** An agent waits for this answer. */
const dnsTimeoutMs = 1500

/** Names a machine that nobody has approved, approves it where list or policy say so, and orders what its group has then. */
export async function admitNewcomer(
  plane: BootPlane,
  machine: Machine,
  inventory: Inventory,
  address: string,
): Promise<void> {
  if (machine.approved || machine.conflicts) return
  const approvals = new Approvals(plane.state)
  const group = await approvals.expectedGroup(inventory)
  const newcomer = newcomerOf(machine.macs[0]!, machine, address, inventory)
  const rules = plane.newcomersOf({ ...(group !== undefined && { group }), ...newcomer })
  const dnsName = rules.nameFromDns ? await nameInDns(address) : undefined
  const found = { ...rules, ...(dnsName !== undefined && { dnsName }) }
  const approved = await approvals.arrived(machine.id, inventory, found)
  if (approved) await orderOnApproval(plane, approved)
}

/** The first label of the address's name; undefined where it has none, or nobody answers in time. */
async function nameInDns(address: string): Promise<string | undefined> {
  try {
    const resolver = new Resolver({ timeout: dnsTimeoutMs, tries: 1 })
    const [name] = await resolver.reverse(address)
    return name?.split('.', 1)[0]
  } catch {
    return undefined
  }
}
