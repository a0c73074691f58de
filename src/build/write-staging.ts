import { chmod, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { renderChecks } from './checks-script.ts'
import { renderCleanUpScript } from './clean-up-script.ts'
import { hasFirstBoot } from './configuration-lines.ts'
import { renderCustomizeScript, renderFinishScript, renderPasswords } from './customize-script.ts'
import {
  firstBootUnit,
  renderFirstBootRunner,
  renderFirstBootScript,
  renderFirstBootUnit,
} from './first-boot/first-boot-script.ts'
import type { ReadRecipe } from './read-recipe.ts'

/** Writes what goes into the new system while it is built, at `stagingPath`; gives the folder. */
export async function writeStaging(read: ReadRecipe, work: string): Promise<string> {
  const directory = join(work, 'staging')
  await mkdir(join(directory, 'files'), { recursive: true })
  await writeFile(join(directory, 'customize.sh'), renderCustomizeScript(read))
  await writeFile(join(directory, 'finish.sh'), renderFinishScript(read))
  await writeFile(join(directory, 'clean-up.sh'), renderCleanUpScript(read))
  if (hasFirstBoot(read)) {
    await writeFile(join(directory, 'first-boot.sh'), renderFirstBootScript(read))
    await writeFile(join(directory, 'run-first-boot.sh'), renderFirstBootRunner(read))
    await writeFile(join(directory, firstBootUnit), renderFirstBootUnit())
  }
  await writeFile(join(work, 'check.sh'), renderChecks(read.recipe))
  await writeFile(join(directory, 'passwords'), renderPasswords(read.users), { mode: 0o600 })
  await mkdir(join(directory, 'secrets'), { mode: 0o700 })
  for (const { name, content } of read.secrets) {
    await writeFile(join(directory, 'secrets', name), content, { mode: 0o600 })
  }
  for (const [index, { directory: folder }] of read.configurations.entries()) {
    await cp(folder, join(directory, 'configure', String(index)), { recursive: true, verbatimSymlinks: true })
  }
  for (const [index, file] of read.files.entries()) {
    if (file.content) await writeFile(join(directory, 'files', String(index)), file.content)
  }
  // apt's unprivileged downloader works below `work`; what is secret in there has its own mode.
  await chmod(work, 0o755)
  return directory
}
