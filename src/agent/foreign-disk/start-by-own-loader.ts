import { mkdirSync } from 'node:fs'
import type { BootEntryOutcome } from '../boot-loader/boot-order.ts'
import { writeEfiBootEntry } from '../boot-loader/efi-boot-entry.ts'
import { ImageCannotBoot } from '../boot-loader/install-boot-loader.ts'
import type { DeployContext } from '../deploy-context.ts'
import type { Mounts } from '../disk/mounts.ts'
import type { StepResult } from '../step-run.ts'
import type { FittedDisk } from './fit-disk.ts'
import { findEsp, findOwnLoader, hasBiosLoader } from './own-loader.ts'

/** The step boot-loader of a foreign disk: nothing is installed, but what it brought must fit the firmware. */
export async function startByOwnLoader(
  disk: string,
  fitted: FittedDisk,
  context: DeployContext,
  mounts: Mounts,
): Promise<StepResult<BootEntryOutcome>> {
  const { firmware } = context.inventory
  const outcome = firmware === 'uefi' ? await startByUefi(disk, fitted, context, mounts) : await startByBios(disk)
  const { detail, notice } = outcome
  return { value: outcome, detail, ...(notice !== undefined && { notice }) }
}

async function startByBios(disk: string): Promise<BootEntryOutcome> {
  if (await hasBiosLoader(disk)) return { detail: 'starts by the loader in its first sector' }
  throw new ImageCannotBoot(
    `The disk image has no loader in its first sector, which this machine's BIOS would start; switch the machine to UEFI, or use an image that boots under BIOS`,
  )
}

async function startByUefi(
  disk: string,
  { table, devices }: FittedDisk,
  { inventory, signal, rootDirectory }: DeployContext,
  mounts: Mounts,
): Promise<BootEntryOutcome> {
  const esp = table && findEsp(table)
  const device = esp && devices.get(esp.number)
  if (esp === undefined || device === undefined) {
    throw new ImageCannotBoot(
      "The disk image has no EFI system partition, which this machine's UEFI would start from; switch the machine to BIOS (CSM), or use an image that boots under UEFI",
    )
  }
  const directory = `${rootDirectory}.esp`
  mkdirSync(directory, { recursive: true })
  await mounts.mount(device, directory, ['-t', 'vfat', '-o', 'ro'], signal)
  const loader = findOwnLoader(directory, inventory.architecture)
  if (loader === undefined) {
    throw new ImageCannotBoot(
      `The EFI system partition of the disk image (partition ${esp.number}) has no loader for ${inventory.architecture}`,
    )
  }
  const entry = await writeEfiBootEntry(disk, esp.number, loader, signal)
  return { ...entry, detail: `starts by its own ${loader}; ${entry.detail}` }
}
