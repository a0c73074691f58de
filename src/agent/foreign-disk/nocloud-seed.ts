import type { Mac } from '../../bytes/mac.ts'
import { ethernetsYaml } from '../../core/network-files.ts'
import type { InsideRoot } from '../inside-root.ts'

/** Where cloud-init's NoCloud looks in the root itself, before it looks at other disks. */
const seedDirectory = '/var/lib/cloud/seed/nocloud'
const programs = ['/usr/bin/cloud-init', '/usr/local/bin/cloud-init']

export type SeedFacts = { machineName: string; deploymentId: string; bootMac: Mac; vlan?: number | undefined }

/**
 * Tells an image's cloud-init who it is and which network it has; it does the rest at its first boot: SSH host keys, growth.
 * False where the image has none. The instance's id is the deployment's, so that each one is a new machine to it.
 */
export function writeNoCloudSeed(root: InsideRoot, { machineName, deploymentId, bootMac, vlan }: SeedFacts): boolean {
  if (!programs.some((path) => root.isExecutable(path))) return false
  root.makeDirectory(seedDirectory, 0o700)
  // Each is YAML; strings are JSON's, which YAML takes as they are.
  root.writeText(
    `${seedDirectory}/meta-data`,
    `instance-id: ${JSON.stringify(`bootwright-${deploymentId}`)}\nlocal-hostname: ${JSON.stringify(machineName)}\n`,
    0o600,
  )
  root.writeText(`${seedDirectory}/user-data`, '#cloud-config\n{}\n', 0o600)
  // Its network configuration is netplan's, without the key around it.
  root.writeText(`${seedDirectory}/network-config`, `version: 2\n${ethernetsYaml(bootMac, vlan)}`, 0o600)
  // Otherwise it asks every cloud it knows, which takes minutes where there is none.
  root.makeDirectory('/etc/cloud/cloud.cfg.d')
  root.writeText(
    '/etc/cloud/cloud.cfg.d/99-bootwright.cfg',
    '# Written by Bootwright when it deployed this machine.\ndatasource_list: [NoCloud, None]\n',
  )
  return true
}
