import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { bundleAgent } from '../../src/ramdisk/agent.ts'

/** Below node_modules, so that a bundle finds koffi's native part as it does in the ramdisk. */
const bundles = join(import.meta.dirname, '../../node_modules/.cache/bootwright-bench')
const made = new Map<string, Promise<string>>()

/**
 * The file to start for a program of the benchmarks that stands for the agent: bundled as the ramdisk has it, because a
 * machine spends no time on stripping types.
 */
export function bundledProgram(program: string): Promise<string> {
  const before = made.get(program)
  if (before) return before
  const bundling = bundle(program)
  made.set(program, bundling)
  return bundling
}

async function bundle(program: string): Promise<string> {
  const directory = join(bundles, basename(program, '.ts'))
  await mkdir(directory, { recursive: true })
  for (const { entry } of await bundleAgent(program)) {
    if (entry.kind === 'bytes') await writeFile(join(directory, basename(entry.path)), entry.bytes)
  }
  return join(directory, 'main.js')
}
