import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isInPath } from '../../programs/is-in-path.ts'
import { BuildUnavailable } from '../build-errors.ts'
import type { BuildPlan } from '../build-recipe.ts'
import type { MmdebstrapMode } from '../mmdebstrap.ts'
import type { FirstBootTask } from './boot-tree.ts'

const launcher = join(import.meta.dirname, '../../../bin/bootwright-node')
const entry = join(import.meta.dirname, 'boot-tree.ts')
/** Making the disk and taking the tree from it; the machine has its own time. */
const aroundMs = 20 * 60_000

/** What mmdebstrap runs with the tree, and the longest that may take. Throws BuildUnavailable. */
export async function prepareFirstBoot(
  { read, architecture, work }: BuildPlan,
  mode: MmdebstrapMode,
  cacheDirectory: string,
): Promise<{ command: string; longestMs: number }> {
  const missing = await missingForFirstBoot(architecture, mode)
  if (missing.length > 0) throw new BuildUnavailable(missing)
  const { memoryMiB = 1024, processors = 2, timeoutMinutes = 30 } = read.recipe.firstBoot ?? {}
  const task: FirstBootTask = {
    ...{ memoryMiB, processors, timeoutSeconds: timeoutMinutes * 60, workDirectory: work, cacheDirectory },
    consoleLogPath: join(cacheDirectory, `${read.recipe.name}.console.log`),
  }
  const taskPath = join(work, 'first-boot.json')
  await writeFile(taskPath, JSON.stringify(task))
  const command = [launcher, entry].map((path) => `"${path}"`).join(' ')
  // The tree's path comes last, from mmdebstrap.
  return { command: `${command} "${taskPath}"`, longestMs: timeoutMinutes * 60_000 + aroundMs }
}

async function missingForFirstBoot(architecture: string, mode: MmdebstrapMode): Promise<string[]> {
  const missing: string[] = []
  if (mode !== 'root') {
    missing.push(
      'what is configured at first boot is taken from a disk by mounting it, which only root may: build as root',
    )
  }
  if (architecture !== 'amd64') {
    missing.push(
      `a first boot in a virtual machine is for amd64, and this recipe is for ${architecture}: configure at build time`,
    )
  }
  for (const [program, debianPackage] of [
    ['qemu-system-x86_64', 'qemu-system-x86'],
    ['mke2fs', 'e2fsprogs'],
  ] as const) {
    if (!(await isInPath(program))) {
      missing.push(`the program ${program}, for its first boot, is not installed: apt-get install ${debianPackage}`)
    }
  }
  return missing
}
