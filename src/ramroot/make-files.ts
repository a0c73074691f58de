import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Member } from '../image/group-members.ts'
import type { ImportSession } from '../image/import-session.ts'
import type { RamRootForm } from '../image/renditions/rendition-name.ts'
import type { RenditionOptions } from '../image/renditions/rendition-options.ts'
import { type RamRoot, ramRootFormat } from '../image/renditions/stored-ram-root.ts'
import type { TreeContents } from '../image/renditions/tree-contents.ts'
import { writeArchiveFile } from '../ramdisk/cpio.ts'
import { chosenModulesRecipe, type Kernel } from '../ramdisk/kernel.ts'
import { ramRootModules } from '../ramdisk/module-rules.ts'
import { makeSegment } from '../ramdisk/segment.ts'
import type { BootKernel } from './boot-kernel.ts'
import type { FormRules, KernelConfig } from './form-rules.ts'
import { sealFile } from './hash-file.ts'
import { packRoot } from './pack-root.ts'
import { earlyRoot, memoryOf } from './ram-root-form.ts'
import { makeSidecar, type Sidecar } from './sidecar.ts'
import { stageKernel } from './stage-modules.ts'

/** What making one has at hand. `aside` gets the files. */
export type RamRootWork = {
  contents: TreeContents
  kernel: BootKernel
  config: KernelConfig
  rules: FormRules
  members: readonly Member[]
  form: RamRootForm
  aside: string
  session: ImportSession
  options: Pick<RenditionOptions, 'onProgress' | 'signal'>
}

/** Makes the files of a form, each synced, and says what they are. Throws ProgramFailed, ChunkMissing, StoredChunkInvalid. */
export async function makeRamRootFiles(work: RamRootWork, version: string): Promise<RamRoot> {
  const { contents, kernel, form, members, rules, aside } = work
  const root = await packRoot(work)
  const stage = path.join(work.session.directory, 'stage')
  const staged = await stageKernel(contents, kernel, stage)
  await rename(staged.image, path.join(aside, 'vmlinuz'))
  const sidecar = makeSidecar(members, rules)
  await writeArchiveFile(sidecarEntries(sidecar), path.join(aside, 'sidecar.cpio'))
  const archives = ['sidecar.cpio']
  // The plain root brings its modules with it.
  archives.unshift(form === 'squashfs' ? await packModules(work, staged, stage) : root)
  await rm(stage, { recursive: true, force: true })
  const names = ['vmlinuz', ...archives, ...(form === 'squashfs' ? [root] : [])]
  const files = []
  for (const name of names) files.push(await sealFile(path.join(aside, name)))
  return {
    ...{ format: ramRootFormat, version, form, architecture: kernel.architecture, kernelRelease: kernel.release },
    ...{ kernel: 'vmlinuz', initrds: archives, root, files, contentBytes: memoryOf(members) },
    restored: { attributes: sidecar.attributeCount, times: sidecar.timeCount },
  }
}

async function packModules(
  { aside, options: { signal } }: RamRootWork,
  kernel: Kernel,
  stage: string,
): Promise<string> {
  const recipe = chosenModulesRecipe(kernel, ramRootModules, { workDirectory: stage, prefix: earlyRoot, signal })
  const { path: packed, fileName } = await makeSegment({ directory: stage, signal }, recipe, () => {})
  await rename(packed, path.join(aside, fileName))
  return fileName
}

function sidecarEntries({ attributes, times }: Sidecar) {
  return [
    { kind: 'bytes', path: `${earlyRoot}/attributes`, mode: 0o600, bytes: attributes } as const,
    { kind: 'bytes', path: `${earlyRoot}/times`, mode: 0o600, bytes: times } as const,
  ]
}
