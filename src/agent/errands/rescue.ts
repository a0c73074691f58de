import { networkInterfaces } from 'node:os'
import type { RescueWork } from '../../core/errand.ts'
import type { AssembledDisks, RescueResult } from '../../core/rescue.ts'
import { say } from '../say.ts'
import { runStep } from '../step-run.ts'
import type { ErrandContext, ErrandOutcome } from './errand-context.ts'
import { assembleDisks } from './rescue/assemble.ts'
import { type ConsoleAccess, openConsoles } from './rescue/console-login.ts'
import { prepareSsh, startSshServer } from './rescue/ssh-server.ts'

/** Lets a person in. Then the order is used up, and the machine stays until it is told to restart, or gets another order. */
export async function rescue(context: ErrandContext): Promise<ErrandOutcome> {
  const { reporter, order } = context
  const { sshKeys } = order.work as RescueWork
  const disks = await runStep(reporter, 'assemble', async () => {
    const troubles: string[] = []
    const value = await assembleDisks(context.inventory.disks, (sentence) => troubles.push(sentence))
    const notice = troubles.join('; ').slice(0, 2000)
    return { value, detail: describeDisks(value), ...(notice !== '' && { notice }) }
  })
  const result = await runStep(reporter, 'ssh', async () => {
    const address = ownAddress(context)
    const host = await prepareSsh(sshKeys)
    await startSshServer()
    const value: RescueResult = { address, ...host, disks }
    return { value, detail: `root@${address}, host key ${host.fingerprint}` }
  })
  // Whoever stands before the machine logs in: the menu's shell asks for no password.
  context.leaveConsoles?.()
  const consoles = openConsoles(context.consoles, consoleAccess(context))
  const { name } = order.machine
  say(`${name} is being rescued: 'bootwright ssh ${name}', or ssh root@${result.address}`)
  say(`its host key is ${result.fingerprint} (ED25519)`)
  say(`'mounts' says what can be mounted, 'mount-all' mounts it for reading${loginWords(consoles)}`)
  return { result, detail: `root@${result.address} by SSH, host key ${result.fingerprint}` }
}

function consoleAccess({ passwordHash, isDebugged }: ErrandContext): ConsoleAccess {
  if (isDebugged) return { kind: 'open' }
  return passwordHash === undefined ? { kind: 'closed' } : { kind: 'password', hash: passwordHash }
}

function loginWords(consoles: readonly string[]): string {
  return consoles.length === 0 ? '' : `; login at ${consoles.join(' and ')}`
}

function describeDisks({ arrays, volumeGroups, multipath, locked, mountable }: AssembledDisks): string {
  const counted = (count: number, what: string) => (count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`])
  const found = [
    ...counted(multipath.length, 'multipath disk'),
    ...counted(arrays.length, 'array'),
    ...counted(volumeGroups.length, 'volume group'),
    ...counted(locked.length, 'encrypted device'),
    ...counted(mountable.length, 'filesystem'),
  ]
  return found.length === 0 ? 'nothing on the disks that could be mounted' : `${found.join(', ')}; nothing is mounted`
}

/** Of the interface that the machine was booted from, or of the VLAN on it. */
export function ownAddress({ inventory, vlan }: Pick<ErrandContext, 'inventory' | 'vlan'>): string {
  const name = vlan === undefined ? inventory.interfaces.find((each) => each.bootedFrom)?.name : `vlan${vlan}`
  const address = networkInterfaces()[name ?? '']?.find(({ family }) => family === 'IPv4')?.address
  if (address === undefined) throw new Error(`Cannot tell this machine's own address: ${name} has none`)
  return address
}
