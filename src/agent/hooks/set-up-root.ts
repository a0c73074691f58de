import { readFileSync } from 'node:fs'
import type { DeployContext } from '../deploy-context.ts'
import type { Filesystems } from '../disk/filesystems.ts'
import { mountOther } from '../disk/fill-data.ts'
import { Mounts } from '../disk/mounts.ts'
import { InsideRoot } from '../inside-root.ts'
import { mountSystemDirectories } from '../mount-system-directories.ts'
import { runStep } from '../step-run.ts'
import { injectFile } from './inject-file.ts'
import { hasHooks, runHooks } from './run-hooks.ts'

const longestDetail = 1500

/**
 * The steps files and after-write, where there is something to do: the new root is verified and this machine's own, its
 * boot loader comes next. What the system mounts beside its root is mounted meanwhile, for nothing to be hidden by it later.
 */
export async function setUpRoot(context: DeployContext, device: string, filesystems: Filesystems): Promise<void> {
  const { reporter, rootDirectory, setup: { files } = { files: [] } } = context
  const root = new InsideRoot(rootDirectory)
  if (files.length > 0) {
    await runStep(reporter, 'files', async () => {
      await using mounts = new Mounts()
      await mountOthers(root, filesystems, mounts, context.signal)
      for (const file of files) injectFile(root, file)
      await mounts.unmountAll()
      return {
        value: undefined,
        detail: files
          .map(({ path }) => path)
          .join(', ')
          .slice(0, longestDetail),
      }
    })
  }
  if (!hasHooks(context, 'after-write')) return
  await runStep(reporter, 'after-write', async () => {
    await using mounts = new Mounts()
    await mountOthers(root, filesystems, mounts, context.signal)
    await mountForHooks(root, mounts, context.signal)
    const detail = await runHooks(context, 'after-write', { device, root: rootDirectory })
    await mounts.unmountAll()
    return { value: undefined, detail }
  })
}

async function mountOthers(root: InsideRoot, { others }: Filesystems, mounts: Mounts, signal: AbortSignal) {
  for (const other of others) {
    if (other.role === 'data') await mountOther(other, root.makeDirectory(other.mount), mounts, signal)
  }
}

/** /run is as empty as at a start, and what is left in it is gone afterwards. */
async function mountForHooks(root: InsideRoot, mounts: Mounts, signal: AbortSignal): Promise<void> {
  await mountSystemDirectories(root, mounts, signal)
  await mounts.mount('tmpfs', root.makeDirectory('/run'), ['-t', 'tmpfs', '-o', 'mode=755'], signal)
  await lendNameServers(root, mounts, signal)
}

/** The system's own list is often a link to what its resolver writes when it runs. */
async function lendNameServers(root: InsideRoot, mounts: Mounts, signal: AbortSignal): Promise<void> {
  const ours = '/etc/resolv.conf'
  const text = readIfThere(ours)
  if (text === undefined) return
  const place = root.followLinks('/etc/resolv.conf')
  if (place.startsWith('/run/')) root.writeText(place, text)
  const file = root.realFile(place)
  if (file !== undefined && !place.startsWith('/run/')) await mounts.mount(ours, file, ['--bind'], signal)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}
