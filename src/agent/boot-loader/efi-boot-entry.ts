import { existsSync } from 'node:fs'
import { oneLine } from '../../core/one-line.ts'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import {
  type BootEntry,
  type BootEntryOutcome,
  describeBootOrder,
  orderAfterDeployment,
  parseBootVariables,
  partitionOf,
} from './boot-order.ts'

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
    await deleteEntries(efibootmgr, parseBootVariables(await efibootmgr()).entries.filter(isOurs))
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

async function deleteEntries(efibootmgr: Efibootmgr, entries: readonly BootEntry[]): Promise<void> {
  for (const { number } of entries) await efibootmgr('--quiet', '--bootnum', number, '--delete-bootnum')
}

function isOurs({ label }: BootEntry): boolean {
  return label === entryLabel
}

/** What was on disks that are wiped: partitions by the GUIDs of a GPT, upper case; `all`: nothing of ours is on any disk. */
export type WipedPartitions = { guids: ReadonlySet<string>; all: boolean }

/** After disks were wiped. Gives a sentence for the timeline; a firmware that keeps its entries is only told of. */
export async function removeEfiBootEntries(
  { guids, all }: WipedPartitions,
  signal: AbortSignal,
  variablesDirectory = '/sys/firmware/efi/efivars',
): Promise<string> {
  if (!existsSync(variablesDirectory)) return 'the firmware gives no access to its boot entries'
  const efibootmgr = (...args: string[]) => runProgram('efibootmgr', args, { timeoutMs, signal })
  const isStale = (entry: BootEntry) => (all && isOurs(entry)) || guids.has(partitionOf(entry) ?? '')
  const readStale = async () => parseBootVariables(await efibootmgr()).entries.filter(isStale)
  try {
    const stale = await readStale()
    if (stale.length === 0) return 'the firmware had no boot entry of what was wiped'
    await deleteEntries(efibootmgr, stale)
    const kept = await readStale()
    if (kept.length > 0) return `the firmware keeps boot entries of what was wiped: ${describeEntries(kept)}`
    return `boot entries of what was wiped are removed: ${describeEntries(stale)}`
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ProgramFailed) return `boot entries of what was wiped are not removed: ${error.message}`
    throw error
  }
}

function describeEntries(entries: readonly BootEntry[]): string {
  return entries.map(({ number, label }) => `${number} ${oneLine(label, 60)}`).join(', ')
}

function noEntry(why: string): BootEntryOutcome {
  return { detail: 'no boot entry', notice: `no boot entry: ${why}; the loader at the fallback path starts the disk` }
}
