import type { WipeWork } from '../../core/errand.ts'
import type { Disk } from '../../core/inventory.ts'
import { nameOfDisk, type WipeResult } from '../../core/wipe-record.ts'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { removeEfiBootEntries, type WipedPartitions } from '../boot-loader/efi-boot-entry.ts'
import { runStep, StepFailed } from '../step-run.ts'
import { chooseAttempts } from '../wipe/choose-attempts.ts'
import { DiskWipe } from '../wipe/disk-wipe.ts'
import { refuseInUse } from '../wipe/free-disk.ts'
import { readFacts } from '../wipe/read-facts.ts'
import { DisksRefused, isFixed, selectDisks } from '../wipe/select-disks.ts'
import { DisksNotErased, wipeDisks } from '../wipe/wipe-disks.ts'
import { type ErrandContext, ErrandFailed, type ErrandOutcome } from './errand-context.ts'

/** Erases disks and shows that they are erased; whatever is not shown is a failure. */
export async function wipe(context: ErrandContext): Promise<ErrandOutcome> {
  const { order, reporter, stop } = context
  const work = order.work as WipeWork
  const wipes = await runStep(reporter, 'select-disks', async () => {
    const { disks, leftOut } = selectDisks(work.disks, context.inventory.disks)
    for (const disk of disks) refuseInUse(disk)
    const names = disks.map(({ device }) => device)
    const value = await Promise.all(disks.map((disk) => prepare(disk, names, work, stop.signal)))
    const chosen = value.map(({ record }) => nameOfDisk(record)).join(', ')
    const detail = leftOut.length === 0 ? chosen : `${chosen}; not meant by "all": ${leftOut.join('; ')}`
    return { value, detail: detail.slice(0, 2000) }
  })
  try {
    const result = await wipeDisks(wipes, { reporter, signal: stop.signal })
    return { result, detail: await leaveEmpty(context, result) }
  } catch (error) {
    if (!(error instanceof DisksNotErased)) throw error
    throw new StepFailed(error.step, new ErrandFailed(error.message, error.result))
  }
}

async function prepare(
  disk: Parameters<typeof readFacts>[0],
  chosen: readonly string[],
  { method }: WipeWork,
  signal: AbortSignal,
): Promise<DiskWipe> {
  const facts = await readFacts(disk, chosen, signal)
  const attempts = chooseAttempts(facts, method)
  if (attempts.attempts.length === 0) {
    throw new DisksRefused(
      `Cannot wipe ${disk.device} by ${method}: ${attempts.leftOut.join('; ') || 'it has no such method'}`,
    )
  }
  return new DiskWipe(disk, facts, attempts)
}

/** By the tables that the disks had when the machine booted. */
function wipedPartitions(disks: readonly Disk[], wiped: ReadonlySet<string>): WipedPartitions {
  const tables = disks.flatMap(({ device, table }) => (table && wiped.has(device) ? [table] : []))
  return {
    guids: new Set(tables.flatMap(({ partitions }) => partitions.flatMap(({ guid }) => guid ?? []))),
    all: disks.filter(isFixed).every(({ device }) => wiped.has(device)),
  }
}

/** The kernel forgets the partitions, and the firmware what it was told to start from them. Gives a sentence for the timeline. */
async function leaveEmpty({ inventory, stop }: ErrandContext, { disks }: WipeResult): Promise<string> {
  for (const { device } of disks) {
    await runProgram('blockdev', ['--rereadpt', device]).catch((error) => {
      if (!(error instanceof ProgramFailed)) throw error
    })
  }
  const words = disks.map((record) => `${nameOfDisk(record)} erased by ${record.attempts.at(-1)!.method}`)
  if (inventory.firmware === 'uefi') {
    const wiped = new Set(disks.map(({ device }) => device))
    words.push(await removeEfiBootEntries(wipedPartitions(inventory.disks, wiped), stop.signal))
  }
  return words.join('; ').slice(0, 2000)
}
