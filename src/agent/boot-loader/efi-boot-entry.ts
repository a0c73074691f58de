import { existsSync } from 'node:fs'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { type BootEntryOutcome, describeBootOrder, orderAfterDeployment, parseBootVariables } from './boot-order.ts'

const entryLabel = 'Bootwright disk'
const timeoutMs = 30_000

/**
 * A firmware boot entry for the deployed disk, behind the network's. Firmware without variables, or that forgets them,
 * finds the loader at its fallback path, so a failure is only told. Every failure is a notice.
 */
export async function writeEfiBootEntry(
  disk: string,
  espNumber: number,
  /** Path on the ESP with backslashes: `\EFI\debian\grubx64.efi`. */
  loader: string,
  signal: AbortSignal,
  variablesDirectory = '/sys/firmware/efi/efivars',
): Promise<BootEntryOutcome> {
  if (!existsSync(variablesDirectory)) return noEntry('the firmware gives no access to its boot entries')
  const efibootmgr = (...args: string[]) => runProgram('efibootmgr', args, { timeoutMs, signal })
  try {
    await deleteEntries(efibootmgr)
    const before = parseBootVariables(await efibootmgr())
    const created = [
      '--create-only',
      '--disk',
      disk,
      '--part',
      String(espNumber),
      '--label',
      entryLabel,
      '--loader',
      loader,
    ]
    const after = parseBootVariables(await efibootmgr(...created))
    const known = new Set(before.entries.map((entry) => entry.number))
    const entry = after.entries.find((candidate) => !known.has(candidate.number))
    if (entry === undefined) return noEntry('the firmware did not take one for the disk')
    const order = orderAfterDeployment(after, entry.number)
    await efibootmgr('--quiet', '--bootorder', order.join(','))
    const kept = parseBootVariables(await efibootmgr())
    const outcome = describeBootOrder(kept, order)
    return { ...outcome, detail: `boot entry ${entry.number} made, ${outcome.detail}` }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ProgramFailed) return noEntry(error.message)
    throw error
  }
}

type Efibootmgr = (...args: string[]) => Promise<string>

/** Gives how many there were. */
async function deleteEntries(efibootmgr: Efibootmgr): Promise<number> {
  const ours = parseBootVariables(await efibootmgr()).entries.filter(({ label }) => label === entryLabel)
  for (const { number } of ours) await efibootmgr('--quiet', '--bootnum', number, '--delete-bootnum')
  return ours.length
}

/** After the disks were wiped. Gives a sentence for the timeline; a firmware that keeps its entries is only told of. */
export async function removeEfiBootEntries(
  signal: AbortSignal,
  variablesDirectory = '/sys/firmware/efi/efivars',
): Promise<string> {
  if (!existsSync(variablesDirectory)) return 'the firmware gives no access to its boot entries'
  try {
    const count = await deleteEntries((...args) => runProgram('efibootmgr', args, { timeoutMs, signal }))
    return count === 0 ? 'the firmware had no boot entry of ours' : 'the boot entry of the deployed disk is removed'
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ProgramFailed) return `the boot entry of the deployed disk is not removed: ${error.message}`
    throw error
  }
}

function noEntry(why: string): BootEntryOutcome {
  return { detail: 'no boot entry', notice: `no boot entry: ${why}; the loader at the fallback path starts the disk` }
}
