import { join } from 'node:path'
import type { DeployContext } from '../deploy-context.ts'
import type { Mounts } from '../disk/mounts.ts'
import { readCarriedIdentity } from '../identity/carried-identity.ts'
import { writeFirstBoot } from '../identity/first-boot.ts'
import { InsideRoot } from '../inside-root.ts'
import { planHandOver } from '../make-bootable.ts'
import { openSecrets } from '../open-secrets.ts'
import { prepareDisk } from '../prepare-disk.ts'
import { runStep } from '../step-run.ts'
import type { WrittenMachine } from '../written-machine.ts'
import { openPool } from './open-pool.ts'
import { writePoolMenu } from './pool-menu.ts'
import { systemPath } from './pool-places.ts'
import { readSystems, type System } from './systems.ts'

/** The disk does not have the version that it was to start again. */
export class VersionNotKept extends Error {
  override readonly name = 'VersionNotKept'
}

/**
 * Starts a version again that the disk has, as the machine left it: its files, its keys. Nothing is fetched, and nothing
 * changes but the menu and the callback that proves it.
 */
export async function rollBack(context: DeployContext, mounts: Mounts): Promise<WrittenMachine> {
  const { order, reporter, session } = context
  const prepared = await prepareDisk(context, mounts)
  const { root } = prepared.filesystems
  const { pool, systems, system } = await runStep(reporter, 'write', async () => {
    const value = await findSystem(await openPool(context, root, mounts), order.version)
    return { value, detail: `the disk has ${order.version.slice(0, 12)} as ${systemPath(value.system.id)}` }
  })
  const files = new InsideRoot(join(pool, systemPath(system.id)))
  const sshHostKeys = await runStep(reporter, 'identity', async () => {
    const callback = writeFirstBoot(files, session.client.baseUrl, openSecrets(context).proofToken)
    const value = readCarriedIdentity(files).hostKeys.map((key) => key.publicText.trim())
    return { value, detail: `as the machine left it; ${callback}` }
  })
  const kernel = await runStep(reporter, 'boot-loader', async () => {
    const value = writePoolMenu(pool, prepared, system, systems)
    return { value, detail: `${value.kernel} of ${order.version.slice(0, 12)} starts by itself` }
  })
  return {
    device: prepared.disk.device,
    root: { ...root, subvolume: systemPath(system.id) },
    kernel,
    kernelArguments: system.kernelArguments,
    ...planHandOver(context, files, kernel),
    report: {
      ...{ bytesFetched: 0, bytesWritten: 0, bytesReused: 0 },
      sshHostKeys,
      keptVersions: systems.map(({ version }) => version),
    },
  }
}

async function findSystem(pool: string, version: string) {
  const systems = await readSystems(pool)
  const system = systems.find((candidate) => candidate.version === version)
  if (system) return { pool, systems, system }
  const has = systems.map(describeSystem).join(', ') || 'none'
  throw new VersionNotKept(`Cannot start version ${version} again: the disk does not have it; it has ${has}`)
}

function describeSystem({ image, version }: System): string {
  return `${image} ${version.slice(0, 12)}`
}
