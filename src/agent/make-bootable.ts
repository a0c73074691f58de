import { Check } from 'typebox/value'
import { DecodeError } from '../bytes/decode-error.ts'
import { DeploySecrets } from '../core/order.ts'
import { unseal } from '../core/seal.ts'
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
import type { CarriedIdentity } from './identity/carried-identity.ts'
import { type WrittenIdentity, writeIdentity } from './identity/write-identity.ts'
import { InsideRoot } from './inside-root.ts'
import type { PreparedDisk } from './prepare-disk.ts'
import { runStep } from './step-run.ts'
import { type Fallback, planFallback } from './watchdog/plan-fallback.ts'

export type BootableMachine = { identity: WrittenIdentity; bootLoader: InstalledBootLoader; fallback?: Fallback }

export type BootableOptions = { carried?: CarriedIdentity; menu?: SharedMenu }

/** The steps identity and boot-loader: the tree becomes this machine's own and starts by its firmware. */
export async function makeBootable(
  context: DeployContext,
  prepared: PreparedDisk,
  mounts: Mounts,
  { carried, menu }: BootableOptions = {},
): Promise<BootableMachine> {
  const { order, reporter, signal, session, rootDirectory } = context
  const identity = await runStep(reporter, 'identity', async () => {
    const facts = {
      machineName: order.machine.name,
      bootMac: context.bootMac,
      ...(context.vlan !== undefined && { vlan: context.vlan }),
      firmware: context.inventory.firmware,
      filesystems: prepared.filesystems,
      server: session.client.baseUrl,
      proofToken: openSecrets(context).proofToken,
      ...(carried && { carried }),
    }
    const filled = await fillData(rootDirectory, prepared.filesystems, signal)
    const value = await writeIdentity(rootDirectory, facts, signal)
    const begun = filled.map((mount) => `; ${mount} begins with what the version has there`)
    return { value, detail: `${value.detail}${begun.join('')}` }
  })
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

export function openSecrets({ order, session }: DeployContext): DeploySecrets {
  const secrets: unknown = JSON.parse(Buffer.from(unseal(order.sealed, session.privateKey)).toString('utf8'))
  if (!Check(DeploySecrets, secrets)) throw new DecodeError('deploy secrets', 'the proof token is missing')
  return secrets
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
