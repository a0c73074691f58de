import type { ExistingPartition } from '../../core/partition-table.ts'
import type { DeployContext } from '../deploy-context.ts'
import { writeFirstBoot } from '../identity/first-boot.ts'
import { writeHostFiles } from '../identity/host-files.ts'
import { writeHostKeys } from '../identity/host-keys.ts'
import { writeNetwork } from '../identity/network-files.ts'
import { InsideRoot } from '../inside-root.ts'
import { openSecrets } from '../open-secrets.ts'
import type { StepResult } from '../step-run.ts'
import { writeNoCloudSeed } from './nocloud-seed.ts'

/**
 * The step identity of a foreign disk whose root is mounted: by its cloud-init where it has one, else as for any tree, but
 * for fstab, which speaks of this disk already. Gives the public lines of the host keys made here.
 */
export async function writeForeignIdentity(
  context: DeployContext,
  rootPartition: ExistingPartition | undefined,
): Promise<StepResult<string[]>> {
  if (rootPartition === undefined) {
    return { value: [], detail: 'none: no root of a Linux system was found, the image has to set itself up' }
  }
  const { order, signal, session, bootMac, vlan } = context
  const { name } = order.machine
  const root = new InsideRoot(context.rootDirectory)
  writeHostFiles(root, name)
  const seeded = writeNoCloudSeed(root, { machineName: name, deploymentId: order.deploymentId, bootMac, vlan })
  const sshHostKeys = seeded ? [] : await writeHostKeys(root, name, signal)
  const told = seeded ? 'NoCloud seed for its cloud-init, which makes SSH host keys' : writeNetwork(root, bootMac, vlan)
  const callback = writeFirstBoot(root, session.client.baseUrl, openSecrets(context).proofToken)
  return { value: sshHostKeys, detail: [`named ${name}`, told, callback].join('; ') }
}
