import type { Mac } from '../../bytes/mac.ts'
import { InsideRoot } from '../inside-root.ts'
import type { CarriedIdentity } from './carried-identity.ts'
import { type FirstBootHooks, writeFirstBoot } from './first-boot.ts'
import { type FstabFilesystems, renderFstab } from './fstab.ts'
import { writeHostFiles } from './host-files.ts'
import { writeHostKeys } from './host-keys.ts'
import { writeNetwork } from './network-files.ts'

export type IdentityFacts = {
  /** RFC 1123 label. */
  machineName: string
  bootMac: Mac
  vlan?: number
  firmware: 'bios' | 'uefi'
  filesystems: FstabFilesystems
  /** Of a system that the machine had before; what it lacks is made. */
  carried?: CarriedIdentity
  /** Origin the first-boot callback goes to. */
  server: string
  proofToken: string
  firstBoot?: FirstBootHooks
}

export type WrittenIdentity = {
  /** Public lines of the host keys made here. */
  sshHostKeys: string[]
  detail: string
}

/** Makes the tree under `directory` this machine's own: names, keys, network, mounts, first-boot callback. */
export async function writeIdentity(
  directory: string,
  facts: IdentityFacts,
  signal: AbortSignal,
): Promise<WrittenIdentity> {
  const root = new InsideRoot(directory)
  writeHostFiles(root, facts.machineName, facts.carried?.machineId)
  const sshHostKeys = await writeHostKeys(root, facts.machineName, signal, facts.carried?.hostKeys)
  const network = writeNetwork(root, facts.bootMac, facts.vlan)
  const mounted = makeMountPoints(root, facts.filesystems)
  root.writeText('/etc/fstab', renderFstab(facts.filesystems, facts.firmware, root.readText('/etc/fstab')))
  const callback = writeFirstBoot(root, facts.server, facts.proofToken, facts.firstBoot)
  const keys = sshHostKeys.length === 0 ? 'no SSH server in the image' : describeKeys(sshHostKeys.length, facts)
  return { sshHostKeys, detail: [`named ${facts.machineName}`, keys, network, callback, ...mounted].join('; ') }
}

function describeKeys(count: number, { carried }: IdentityFacts): string {
  return `${count} SSH host keys ${carried && carried.hostKeys.length > 0 ? 'as before' : 'made'}`
}

/** What the image has where something kept is mounted cannot be seen any more, which is told. */
function makeMountPoints(root: InsideRoot, { others }: FstabFilesystems): string[] {
  return others.flatMap((other) => {
    if (other.role !== 'data') return []
    root.makeDirectory(other.mount)
    const hidden = other.content === 'kept' ? root.list(other.mount).length : 0
    return hidden === 0 ? [] : [`what is kept at ${other.mount} hides ${hidden} entries of the image`]
  })
}
