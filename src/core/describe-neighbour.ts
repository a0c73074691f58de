import type { Neighbour } from './inventory.ts'

/** `port Gi1/0/12 of sw-3 (10.0.0.2), VLAN 20`. */
export function describeNeighbour(neighbour: Neighbour): string {
  const { port, portDescription, system, chassis, managementAddress, vlan } = neighbour
  const switchName = system ?? chassis ?? 'a switch without a name'
  const address = managementAddress === undefined ? '' : ` (${managementAddress})`
  return `port ${port ?? portDescription ?? '?'} of ${switchName}${address}${vlan === undefined ? '' : `, VLAN ${vlan}`}`
}
