import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { AgentArchitecture } from '../core/agent-architecture.ts'
import type { Kernel } from './kernel.ts'
import type { Segment, Share } from './segment.ts'

export type RamdiskFile = { file: string; bytes: number; rawBytes: number; sha256: string; shares: Share[] }

/** A ramdisk as it lies in `directory`, servable as /ramdisk/ID/FILE; also what ramdisk.json in it says. */
export type Ramdisk = {
  /** Of the content: equal bytes, equal id. */
  id: string
  directory: string
  architecture: AgentArchitecture
  kernel: 'vmlinuz'
  /** File names in the order in which the machine must get them. */
  initrds: string[]
  /** Kernel release, `6.1.0-56-amd64`. */
  release: string
  /** The kernel first, then the initrds, then those that only some machines load. */
  files: RamdiskFile[]
  /** Bytes that every machine loads: kernel and initrds. */
  totalBytes: number
  /** Another initrd, only for a machine that is rescued or runs a script. Ramdisks that were made before there was one lack it. */
  rescue?: { file: string }
  /** The early system of versions that run from memory (ram-root.ts), loaded beside their own kernel. */
  ramRoot?: { file: string }
  /** Another initrd, only for a machine that has one of these drivers; the kernel has no use for it otherwise. */
  firmware?: { file: string; drivers: string[] }
  /** Drivers that may ask for firmware which the APT sources of the building machine do not have. */
  missingFirmware: string[]
}

export type RamdiskParts = {
  architecture: AgentArchitecture
  kernel: Kernel
  segments: readonly Segment[]
  rescue?: Segment
  ramRoot?: Segment
  firmware: { segment?: Segment; drivers: string[]; missingDrivers: string[] }
}

/** Puts kernel and segments into outputDirectory/ID, complete or not at all. */
export async function publishRamdisk(parts: RamdiskParts, outputDirectory: string): Promise<Ramdisk> {
  const { architecture, kernel, segments, rescue, ramRoot, firmware } = parts
  const sources = [await kernelSource(kernel), ...segments.map(segmentSource)]
  if (rescue) sources.push(segmentSource(rescue))
  if (ramRoot) sources.push(segmentSource(ramRoot))
  if (firmware.segment) sources.push(segmentSource(firmware.segment))
  const files: RamdiskFile[] = []
  for (const { source, ...file } of sources) files.push({ ...file, sha256: await sha256OfFile(source) })
  const id = contentId(files)
  const loaded = files.slice(0, 1 + segments.length)
  const ramdisk: Ramdisk = {
    id,
    directory: join(outputDirectory, id),
    architecture,
    kernel: 'vmlinuz',
    initrds: segments.map((segment) => segment.fileName),
    release: basename(kernel.modulesDirectory),
    files,
    totalBytes: loaded.reduce((sum, file) => sum + file.bytes, 0),
    ...(rescue && { rescue: { file: rescue.fileName } }),
    ...(ramRoot && { ramRoot: { file: ramRoot.fileName } }),
    ...(firmware.segment && { firmware: { file: firmware.segment.fileName, drivers: firmware.drivers } }),
    missingFirmware: firmware.missingDrivers,
  }
  if (!(await readRamdisk(ramdisk.directory))) await place(ramdisk, sources)
  return ramdisk
}

type Source = Omit<RamdiskFile, 'sha256'> & { source: string }

async function kernelSource(kernel: Kernel): Promise<Source> {
  const { size } = await stat(kernel.image)
  const shares = [{ of: 'kernel', files: 1, bytes: size }]
  return { file: 'vmlinuz', source: kernel.image, bytes: size, rawBytes: size, shares }
}

function segmentSource(segment: Segment): Source {
  const { fileName, path, packedBytes, rawBytes, shares } = segment
  return { file: fileName, source: path, bytes: packedBytes, rawBytes, shares }
}

function contentId(files: readonly RamdiskFile[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file.file} ${file.sha256}\n`)
  return hash.digest('hex').slice(0, 16)
}

async function place(ramdisk: Ramdisk, sources: readonly { file: string; source: string }[]): Promise<void> {
  const aside = `${ramdisk.directory}.${process.pid}`
  await rm(aside, { recursive: true, force: true })
  await mkdir(aside, { recursive: true })
  for (const { file, source } of sources) {
    await link(source, join(aside, file)).catch(() => copyFile(source, join(aside, file)))
  }
  await writeFile(join(aside, 'ramdisk.json'), `${JSON.stringify(ramdisk, undefined, 2)}\n`)
  await rm(ramdisk.directory, { recursive: true, force: true }) // there without its ramdisk.json: not complete
  await rename(aside, ramdisk.directory)
}

/** What buildRamdisk returned for this directory; undefined when there is no complete ramdisk in it. */
export async function readRamdisk(directory: string): Promise<Ramdisk | undefined> {
  const text = await readFile(join(directory, 'ramdisk.json'), 'utf8').catch(() => undefined)
  // Before there was another architecture it was not named
  return text === undefined
    ? undefined
    : ({ architecture: 'x64', ...(JSON.parse(text) as Partial<Ramdisk>), directory } as Ramdisk)
}

/** The ramdisk made last below outputDirectory. */
export async function newestRamdisk(outputDirectory: string): Promise<Ramdisk | undefined> {
  let newest: { ramdisk: Ramdisk; madeAtMs: number } | undefined
  for (const name of await readdir(outputDirectory).catch(() => [])) {
    const directory = join(outputDirectory, name)
    const ramdisk = await readRamdisk(directory)
    if (!ramdisk) continue
    const { mtimeMs } = await stat(join(directory, 'ramdisk.json'))
    if (!newest || mtimeMs > newest.madeAtMs) newest = { ramdisk, madeAtMs: mtimeMs }
  }
  return newest?.ramdisk
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
