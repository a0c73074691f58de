import { open } from 'node:fs/promises'
import path from 'node:path'
import { nextDataExtent } from '../../linux/sparse.ts'
import { runProgram } from '../../programs/run-program.ts'
import { ImageSourceInvalid, type ImportOptions } from '../image-source.ts'
import { ImportSession } from '../import-session.ts'
import { publishVersion, type VersionDescription } from '../publish-version.ts'
import type { Repository, Version } from '../repository.ts'
import { checkName } from '../repository-layout.ts'
import { type LargeContent, LargeFileCutter } from '../source-content.ts'
import { chunkBytes } from '../tree.ts'
import { TreeBuilder } from '../tree-builder.ts'
import { layOutTree } from '../tree-layout.ts'
import { diskFileName } from './make-disk.ts'

const readBytes = 1024 * 1024
const sectorBytes = 512
const convertTimeoutMs = 24 * 3_600_000
/** Of no use for a disk, and fixed, so that the same bytes are the same version whatever file they came in. */
const metadata = { uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] }

/**
 * Imports a foreign whole disk, raw or in a format that qemu-img reads, bit by bit: a version whose tree is one file.
 * What reads as zeros takes no room. `format` is found out where it is not given; give `raw` for a file that strangers
 * made. Throws ImageSourceInvalid; leaves nothing behind then.
 */
export async function importDisk(
  repository: Repository,
  source: string,
  options: VersionDescription & ImportOptions & { format?: string | undefined },
): Promise<Version> {
  checkName('image', options.image)
  const file = path.resolve(source) // what does not begin with a slash could be an address for qemu-img
  const probe = await probeDisk(file, options.format)
  await using session = await ImportSession.begin(repository)
  const raw = probe.format === 'raw' ? file : await convertToRaw(file, probe.format, session.directory, options)
  const cutter = new LargeFileCutter(session.chunks)
  const content = await cutDisk(file, raw, probe.sizeBytes, cutter, options)
  const builder = new TreeBuilder()
  builder.addDirectory('', { ...metadata, mode: 0o755 })
  builder.addMember(diskFileName, { type: 'file', ...metadata, mode: 0o600, content })
  const tree = await layOutTree(builder.root, session.chunks)
  options.signal?.throwIfAborted()
  return await publishVersion(session, tree, { source: { kind: 'disk', name: source }, ...options })
}

type Probe = { format: string; sizeBytes: number }
/** What is used of `qemu-img info --output=json`. */
type DiskInfo = {
  format: string
  'virtual-size': number
  'backing-filename'?: string
  'format-specific'?: { data?: { 'data-file'?: string } }
}

export async function probeDisk(file: string, format: string | undefined): Promise<Probe> {
  const args = ['info', '--output=json', ...(format === undefined ? [] : ['-f', format]), '--', file]
  const said = await runProgram('qemu-img', args).catch((cause: Error) => {
    throw new ImageSourceInvalid(file, undefined, cause.message, { cause })
  })
  const info = JSON.parse(said) as DiskInfo
  if (info['backing-filename'] !== undefined) {
    const reason = `it needs another file (${info['backing-filename']}); make it whole first by 'qemu-img convert'`
    throw new ImageSourceInvalid(file, undefined, reason)
  }
  if (info['format-specific']?.data?.['data-file'] !== undefined) {
    throw new ImageSourceInvalid(file, undefined, "its data is in another file; make it whole by 'qemu-img convert'")
  }
  const { format: found, 'virtual-size': sizeBytes } = info
  if (sizeBytes <= chunkBytes || sizeBytes % sectorBytes !== 0) {
    const reason = `its ${sizeBytes} bytes are no disk: more than 256 KiB in whole sectors of 512 bytes are needed`
    throw new ImageSourceInvalid(file, undefined, reason)
  }
  return { format: found, sizeBytes }
}

/** qemu-img writes to what it can seek in; its holes are zeros. */
export async function convertToRaw(
  file: string,
  format: string,
  directory: string,
  options: ImportOptions,
): Promise<string> {
  const raw = path.join(directory, 'disk')
  const args = ['convert', '-f', format, '-O', 'raw', '-S', '4k', '-t', 'unsafe', '--', file, raw]
  await runProgram('qemu-img', args, { timeoutMs: convertTimeoutMs, signal: options.signal }).catch((cause: Error) => {
    options.signal?.throwIfAborted()
    throw new ImageSourceInvalid(file, undefined, cause.message, { cause })
  })
  return raw
}

async function cutDisk(
  source: string,
  raw: string,
  bytesTotal: number,
  cutter: LargeFileCutter,
  { signal, onProgress }: ImportOptions,
): Promise<LargeContent> {
  await using handle = await open(raw, 'r')
  const canHaveHoles = (await handle.stat()).isFile() // a block device cannot say
  const buffer = Buffer.allocUnsafe(readBytes)
  for (let at = 0; at < bytesTotal; ) {
    const extent = canHaveHoles ? nextDataExtent(handle.fd, at) : { start: at, end: bytesTotal }
    const { start, end } = extent ?? { start: bytesTotal, end: bytesTotal }
    await cutter.skip(Math.min(start, bytesTotal) - at)
    at = start
    while (at < Math.min(end, bytesTotal)) {
      signal?.throwIfAborted()
      const { bytesRead } = await handle.read(buffer, 0, Math.min(readBytes, end - at, bytesTotal - at), at)
      if (bytesRead === 0) throw new ImageSourceInvalid(source, `byte ${at}`, 'it became shorter while it was read')
      await cutter.write(buffer.subarray(0, bytesRead))
      at += bytesRead
      onProgress?.({ bytesDone: at, bytesTotal, entries: 1 })
    }
  }
  return cutter.finish()
}
