import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { paxArchive } from '../image/pax-archive.ts'
import { chooseInitrdCompression, chooseSquashfsCompression } from './form-rules.ts'
import type { RamRootWork } from './make-files.ts'
import { newcArchive } from './newc-archive.ts'
import { pipeToProgram } from './pipe-to-program.ts'

/** What is slowest compresses a megabyte a second on an old core. */
const shortestTimeoutMs = 10 * 60_000

/** Packs the whole root into one file of `aside`; gives its name. */
export function packRoot(work: RamRootWork): Promise<string> {
  return work.form === 'squashfs' ? packSquashfs(work) : packInitrd(work)
}

async function packInitrd(work: RamRootWork): Promise<string> {
  const { program, args, suffix } = chooseInitrdCompression(work.config, work.contents.tree.sizeBytes)
  const name = `root.cpio.${suffix}`
  await using output = await open(path.join(work.aside, name), 'wx', 0o644)
  const archive = counted(newcArchive(work.contents, work.members), work)
  await pipeToProgram(program, args, archive, { output: output.fd, ...limits(work) })
  await padToFour(output)
  return name
}

/** The kernel finds the next archive at a multiple of four bytes, and skips zeros before it. */
async function padToFour(output: Awaited<ReturnType<typeof open>>): Promise<void> {
  const { size } = await output.stat()
  await output.truncate((size + 3) & ~3)
}

/**
 * From a tar, so that neither root nor a place for the unpacked tree is needed, and the order is the tree's. By tar2sqfs: mksquashfs
 * gives a root that comes from a tar the time of its own start.
 */
async function packSquashfs(work: RamRootWork): Promise<string> {
  const name = 'root.squashfs'
  const options = ['--quiet', '--no-skip', '--num-jobs', `${availableParallelism()}`]
  const args = [...options, ...chooseSquashfsCompression(work.config), path.join(work.aside, name)]
  const archive = counted(
    paxArchive(work.contents, work.members, {
      keepsAttribute: work.rules.keepsAttribute,
      hasExactTimes: false,
    }),
    work,
  )
  await pipeToProgram('tar2sqfs', args, archive, limits(work))
  return name
}

function limits({ contents, options: { signal } }: RamRootWork) {
  return { timeoutMs: shortestTimeoutMs + contents.tree.sizeBytes / 1000, signal }
}

/** Tells how far it is as the bytes are taken. */
async function* counted(archive: AsyncIterable<Uint8Array>, { contents, options }: RamRootWork) {
  const bytesTotal = contents.tree.sizeBytes
  let bytesDone = 0
  for await (const bytes of archive) {
    yield bytes
    bytesDone += bytes.length
    options.onProgress?.({ step: 'pack', bytesDone: Math.min(bytesDone, bytesTotal), bytesTotal })
  }
}
