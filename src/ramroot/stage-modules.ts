import { hash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import { fileBytes } from '../image/file-bytes.ts'
import type { TreeContents } from '../image/renditions/tree-contents.ts'
import { chunkIdOfRow, type FileEntry } from '../image/tree.ts'
import type { Kernel } from '../ramdisk/kernel.ts'
import { parseModuleIndex } from '../ramdisk/module-index.ts'
import { excludedModules, ramRootModules } from '../ramdisk/module-rules.ts'
import { selectModules } from '../ramdisk/select-modules.ts'
import type { BootKernel } from './boot-kernel.ts'

const rules = { included: ramRootModules, excluded: excludedModules }

const indexNames = ['dep', 'alias', 'softdep', 'order', 'builtin', 'builtin.modinfo'].map((name) => `modules.${name}`)

/** Puts what the early system needs of the version's own modules below a directory, with what depmod reads. */
export async function stageKernel(contents: TreeContents, kernel: BootKernel, directory: string): Promise<Kernel> {
  const files = new Map<string, FileEntry>()
  for (const entry of contents.tree.entries) {
    if (entry.type !== 'file' || !entry.path.startsWith(`${kernel.modulesDirectory}/`)) continue
    files.set(entry.path.slice(kernel.modulesDirectory.length + 1), entry)
  }
  const text = async (name: string) => {
    const file = files.get(name)
    return file ? (await bytesOf(contents, file)).toString() : ''
  }
  const [dep, alias, softdep] = await Promise.all(['modules.dep', 'modules.alias', 'modules.softdep'].map(text))
  const index = parseModuleIndex({ dep: dep!, alias: alias!, softdep: softdep! })
  const modulesDirectory = path.join(directory, 'lib', 'modules', kernel.release)
  for (const name of [...selectModules(index, rules), ...indexNames]) {
    const file = files.get(name)
    if (file) await copyOut(contents, file, path.join(modulesDirectory, name))
  }
  const image = path.join(directory, 'vmlinuz')
  await copyOut(contents, kernel.image, image)
  return { image, modulesDirectory, identity: identityOf(contents, kernel) }
}

export async function bytesOf(contents: TreeContents, file: FileEntry): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of fileBytes(contents, file)) parts.push(part)
  return Buffer.concat(parts)
}

async function copyOut(contents: TreeContents, file: FileEntry, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true })
  await using handle = await open(target, 'wx', 0o644)
  for await (const bytes of fileBytes(contents, file)) await handle.writeFile(bytes)
}

function identityOf({ tree }: TreeContents, { release, image }: BootKernel): string {
  return hash('sha256', `${release} ${image.sizeBytes} ${chunkIdOfRow(tree.chunks, image.row)}`)
}
