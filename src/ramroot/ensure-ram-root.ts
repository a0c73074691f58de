import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory, writeSyncedFile } from '../image/durable-file.ts'
import { type Member, membersOf } from '../image/group-members.ts'
import { ImportSession } from '../image/import-session.ts'
import { oneAtATime } from '../image/renditions/one-at-a-time.ts'
import { RenditionImpossible } from '../image/renditions/rendition-impossible.ts'
import type { RamRootForm } from '../image/renditions/rendition-name.ts'
import type { RenditionOptions } from '../image/renditions/rendition-options.ts'
import { StoredChunks } from '../image/renditions/stored-chunks.ts'
import { type RamRoot, readRamRoot } from '../image/renditions/stored-ram-root.ts'
import { emptyTree, TreeContents } from '../image/renditions/tree-contents.ts'
import { type Repository, readSignatures, readTree } from '../image/repository.ts'
import { ramRootDirectory, versionDirectory } from '../image/repository-layout.ts'
import { onStorage } from '../image/storage-fault.ts'
import { type BootKernel, findKernel, isLeftOut } from './boot-kernel.ts'
import { type FormRules, kernelRefusal, parseKernelConfig, rulesOf } from './form-rules.ts'
import { makeRamRootFiles } from './make-files.ts'
import { bytesOf } from './stage-modules.ts'

export type RamRootOptions = Pick<RenditionOptions, 'onProgress' | 'signal'>

/**
 * What runs a version from memory: what is there, or made now from its tree and put beside it, whole or not at all. Throws
 * RenditionImpossible in words for what this form cannot hold, ProgramFailed, ChunkMissing, StoredChunkInvalid, StorageFull.
 */
export function ensureRamRoot(
  repository: Repository,
  versionId: string,
  form: RamRootForm,
  options: RamRootOptions = {},
): Promise<RamRoot> {
  const key = [repository.directory, versionId, form].join('\0')
  return oneAtATime(key, async () => {
    return (await readRamRoot(repository, versionId, form)) ?? (await make(repository, versionId, form, options))
  })
}

async function make(repository: Repository, versionId: string, form: RamRootForm, options: RamRootOptions) {
  const refuse = (reason: string): never => {
    throw new RenditionImpossible(versionId, form, reason)
  }
  if ((await readSignatures(repository, versionId)).length === 0) refuse('the repository has no such version')
  await using session = await ImportSession.begin(repository)
  await using stored = new StoredChunks(repository, session.index)
  const contents = new TreeContents(await readTree(repository, versionId), stored)
  const search = findKernel(contents.tree)
  if (search.kind === 'none') return refuse(search.reason)
  const { kernel } = search
  const config = parseKernelConfig(kernel.config ? (await bytesOf(contents, kernel.config)).toString() : '')
  const unable = kernelRefusal(form, config)
  if (unable !== undefined) refuse(unable)
  const rules = rulesOf(form, kernel, config)
  const members = keptMembers(contents, kernel)
  refuseUnfit(members, rules, refuse)
  const aside = path.join(session.directory, form)
  await mkdir(aside)
  const work = { contents, kernel, config, rules, members, form, aside, session, options }
  const ramRoot = await onStorage(aside, () => makeRamRootFiles(work, versionId))
  options.signal?.throwIfAborted()
  await writeSyncedFile(path.join(aside, 'index.json'), `${JSON.stringify(ramRoot, undefined, 2)}\n`)
  await syncDirectory(aside)
  await session.publish(emptyTree.chunks, () => putInPlace(repository, ramRoot, aside))
  return ramRoot
}

/** Of hard links some of which are left out, those that stay are counted. */
function keptMembers({ tree }: TreeContents, kernel: BootKernel): Member[] {
  const kept = [...membersOf(tree.entries)].filter((member) => !isLeftOut(member, kernel))
  const byNode = Map.groupBy(kept, ({ node }) => node)
  return kept.map((member) => {
    const same = byNode.get(member.node)!
    const { firstPath: _, ...rest } = member
    const nth = same.indexOf(member) + 1
    return { ...rest, links: same.length, nth, ...(nth > 1 && { firstPath: same[0]!.path }) }
  })
}

const namedProblems = 5

function refuseUnfit(members: readonly Member[], rules: FormRules, refuse: (reason: string) => never): void {
  const problems = members.flatMap((member) => {
    const reason = member.firstPath === undefined ? rules.refusal(member) : undefined
    return reason === undefined ? [] : [`/${member.path.toWellFormed()}: ${reason}`]
  })
  if (problems.length === 0) return
  const more = problems.length > namedProblems ? `; and ${problems.length - namedProblems} more` : ''
  refuse(`${problems.slice(0, namedProblems).join('; ')}${more}`)
}

async function putInPlace(repository: Repository, { version, form }: RamRoot, aside: string): Promise<void> {
  const { directory } = repository
  const target = ramRootDirectory(directory, version, form)
  const parent = path.dirname(target)
  await mkdir(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new RenditionImpossible(version, form, 'the version was removed meanwhile')
    if (error.code !== 'EEXIST') throw error
  })
  await syncDirectory(versionDirectory(directory, version))
  // What another revision of this program made is of no use any more.
  if (!(await readRamRoot(repository, version, form))) await rm(target, { recursive: true, force: true })
  await rename(aside, target).catch((error: NodeJS.ErrnoException) => {
    // Another process made the same meanwhile
    if (error.code !== 'EEXIST' && error.code !== 'ENOTEMPTY') throw error
  })
  await syncDirectory(parent)
}
