import { hookEnvironment, hooksAt } from '../core/setup.ts'
import type { Kernel } from './boot-loader/choose-kernel.ts'
import {
  type BootLoaderFacts,
  type InstalledBootLoader,
  installBootLoader,
  type SharedMenu,
} from './boot-loader/install-boot-loader.ts'
import type { DeployContext } from './deploy-context.ts'
import { fillData } from './disk/fill-data.ts'
import type { Mounts } from './disk/mounts.ts'
import { setUpRoot } from './hooks/set-up-root.ts'
import type { CarriedIdentity } from './identity/carried-identity.ts'
import { type WrittenIdentity, writeIdentity } from './identity/write-identity.ts'
import { InsideRoot } from './inside-root.ts'
import { openSecrets } from './open-secrets.ts'
import type { PreparedDisk } from './prepare-disk.ts'
import { runStep } from './step-run.ts'
import { type Fallback, planFallback } from './watchdog/plan-fallback.ts'

export type BootableMachine = { identity: WrittenIdentity; bootLoader: InstalledBootLoader; fallback?: Fallback }

export type BootableOptions = { carried?: CarriedIdentity; menu?: SharedMenu }

/** The steps from identity to boot-loader: the tree becomes this machine's own and starts by its firmware. */
export async function makeBootable(
  context: DeployContext,
  prepared: PreparedDisk,
  mounts: Mounts,
  { carried, menu }: BootableOptions = {},
): Promise<BootableMachine> {
  const { order, reporter, signal, session, rootDirectory, setup } = context
  const identity = await runStep(reporter, 'identity', async () => {
    const facts = {
      machineName: order.machine.name,
      bootMac: context.bootMac,
      ...(context.vlan !== undefined && { vlan: context.vlan }),
      firmware: context.inventory.firmware,
      filesystems: prepared.filesystems,
      server: session.client.baseUrl,
      proofToken: openSecrets(context).proofToken,
      ...(setup && {
        firstBoot: { hooks: hooksAt(setup, 'first-boot'), environment: hookEnvironment(setup.variables) },
      }),
      ...(carried && { carried }),
    }
    const filled = await fillData(rootDirectory, prepared.filesystems, signal)
    const value = await writeIdentity(rootDirectory, facts, signal)
    const begun = filled.map((mount) => `; ${mount} begins with what the version has there`)
    return { value, detail: `${value.detail}${begun.join('')}` }
  })
  await setUpRoot(context, prepared.disk.device, prepared.filesystems)
  const bootLoader = await runStep(reporter, 'boot-loader', async () => {
    const value = await installBootLoader(
      { ...bootLoaderFacts(context, prepared), ...(menu && { menu }) },
      mounts,
      signal,
    )
    const { detail, notice } = value
    return { value, detail, ...(notice !== undefined && { notice }) }
  })
  return { identity, bootLoader, ...planHandOver(context, new InsideRoot(rootDirectory), bootLoader.kernel) }
}

/** A start by kexec is prepared while the deployed root can still be written. */
export function planHandOver({ order }: DeployContext, root: InsideRoot, kernel: Kernel): { fallback?: Fallback } {
  return order.handOver === 'kexec' ? { fallback: planFallback(root, kernel) } : {}
}

function bootLoaderFacts(context: DeployContext, prepared: PreparedDisk): BootLoaderFacts {
  const { order, inventory } = context
  const { root, esp } = prepared.filesystems
  return {
    directory: context.rootDirectory,
    disk: prepared.disk.device,
    firmware: inventory.firmware,
    architecture: inventory.architecture,
    root,
    ...(esp && { esp }),
    secureBoot: inventory.secureBoot === true,
    untouched: prepared.plan.untouched,
    orderArguments: order.kernelArguments,
    agentConsoles: context.consoles,
  }
}
