import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { publishRamdisk, type RamdiskParts } from '../../src/ramdisk/published-ramdisk.ts'
import { until } from './dhcp/bench.ts'
import type { Network } from './network-pair.ts'

const bootwright = join(import.meta.dirname, '../../bin/bootwright')

export const kernelText = 'not a kernel, but as good to a loader that fetches it'

/** Nor is this the early system of versions in memory. */
export const earlyText = 'not an archive\n'

/** It compiles all its threads at its first start, on a machine that may do other things. */
const startTimeoutMs = 60_000

export type ServedSite = {
  directory: string
  /** Of a ramdisk of a few bytes. */
  ramdiskId: string
  /** All it has logged. */
  said: () => string
  /** Runs a command of the command line against it. */
  command: (...values: string[]) => Promise<{ code: number; stdout: string; stderr: string }>
}

/** The whole service on the server's end of a cable, until the test ends; `values` are those of `bootwright serve`. */
export async function serveSite(t: TestContext, server: Network, values: readonly string[]): Promise<ServedSite> {
  const directory = await mkdtemp(join(tmpdir(), 'serve-site-'))
  const ramdisk = await publishRamdisk(await smallRamdisk(directory), join(directory, 'ramdisk'))
  await mkdir(join(directory, 'data'))
  const places = ['data', 'images', 'keys'].flatMap((name) => [`--${name}`, join(directory, name)])
  const all = ['serve', ...values, '--ramdisk', ramdisk.directory, ...places]
  const service = spawn(...server.command(bootwright, ...all), { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(async () => {
    service.kill('SIGTERM')
    if (service.exitCode === null && service.signalCode === null) await once(service, 'exit')
    await rm(directory, { recursive: true })
  })
  let said = ''
  service.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await until(
    () => said.includes('the ramdisk is ready'),
    () => `the service to be ready: ${said}`,
    startTimeoutMs,
  )
  const command = (...rest: string[]) => server.run(bootwright, [...rest, '--data', join(directory, 'data')])
  return { directory, ramdiskId: ramdisk.id, said: () => said, command }
}

async function smallRamdisk(directory: string): Promise<RamdiskParts> {
  const image = join(directory, 'image')
  await writeFile(image, kernelText)
  const early = join(directory, 'ramroot.cpio.zst')
  await writeFile(early, earlyText)
  const sizes = { packedBytes: earlyText.length, rawBytes: earlyText.length, shares: [] }
  return {
    architecture: 'x64',
    kernel: { image, modulesDirectory: '/lib/modules/6.1.0', identity: 'test' },
    segments: [],
    ramRoot: { name: 'ramroot', path: early, fileName: 'ramroot.cpio.zst', ...sizes },
    firmware: { drivers: [], missingDrivers: [] },
  }
}
