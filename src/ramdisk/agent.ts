import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { OutputChunk, Plugin } from 'rolldown'
import type { ArchiveEntry } from './cpio.ts'
import type { NpmPackage } from './npm-package.ts'
import type { SegmentEntry, SegmentRecipe } from './segment.ts'
import type { Target } from './target.ts'

/** Where the agent stands in the ramdisk; init runs main.js in it. */
const agentDirectory = 'bootwright/agent'

export type AgentSources = {
  /** TypeScript the machine runs: src/agent/main.ts. */
  entry: string
  /** Further programs of it, each a file of its own beside main.js: name and TypeScript. */
  commands?: Readonly<Record<string, string>>
  /** koffi's native part, which its bundled part requires at run time. */
  koffi: NpmPackage
  target: Target
}

/** The agent as one JavaScript file (and one for each worker it starts), with init beside it. */
export async function agentRecipe(sources: AgentSources): Promise<SegmentRecipe> {
  const entries = [
    ...(await bundleAgent(sources.entry, sources.commands)),
    ...(await koffi(sources)),
    ...(await initFiles()),
  ]
  return {
    name: 'agent',
    inputs: entries.map(({ entry }) => [
      entry.path,
      'bytes' in entry ? Buffer.from(entry.bytes).toString('base64') : '',
    ]),
    compress: 19,
    entries: async () => entries,
  }
}

/** The agent's sources do not make a whole: an import leads nowhere, or a file is not TypeScript. */
export class AgentBroken extends Error {
  override readonly name = 'AgentBroken'
}

/**
 * main.js and a file for each command and worker, at their paths in the ramdisk. Follows the imports exactly, strips the types and leaves
 * out what is not reached: a booting machine opens few files.
 */
export async function bundleAgent(entry: string, commands: AgentSources['commands'] = {}): Promise<SegmentEntry[]> {
  // 20 MB, of no use to a service that makes no ramdisk.
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    input: { main: entry, ...commands },
    platform: 'node',
    external: [/^node:(?!https?$)/, /^@koromix\//],
    plugins: [bundleWorkers, requireHttp],
    onLog: () => {}, // a fault in the sources throws; hints about style are for the type check
  })
  try {
    const { output } = await build.generate({ format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' })
    const chunks = output.filter((each): each is OutputChunk => each.type === 'chunk')
    return [
      text(`${agentDirectory}/package.json`, '{"type":"module"}\n', 0o644),
      ...chunks.map((chunk) => text(`${agentDirectory}/${chunk.fileName}`, chunk.code, 0o644)),
    ]
  } catch (cause) {
    const words = stripVTControlCharacters((cause as Error).message)
    throw new AgentBroken(`Cannot bundle the agent from ${entry}: ${words}`, { cause })
  } finally {
    await build.close()
  }
}

/** `new URL('./some-worker.ts', import.meta.url)` makes some-worker.js another entry beside main.js. */
const bundleWorkers: Plugin = {
  name: 'bundle-workers',
  transform(code, importer) {
    if (!code.includes('import.meta.url')) return null
    return code.replaceAll(
      /new URL\(\s*(['"])([^'"]+)\.ts\1,\s*import\.meta\.url,?\s*\)/g,
      (_all, _quote, path: string) => {
        const fileName = `${basename(path)}.js`
        this.emitFile({ type: 'chunk', id: resolve(dirname(importer), `${path}.ts`), name: basename(path), fileName })
        return `new URL('./${fileName}', import.meta.url)`
      },
    )
  },
}

const requiredPrefix = '\0required:'

/**
 * `import 'node:http'` reads every export once, and with the lazy one `WebSocket` loads all of fetch: 0.7 s on an
 * emulated machine. `require` does not.
 */
const requireHttp: Plugin = {
  name: 'require-http',
  resolveId(source, importer) {
    if (!/^node:https?$/.test(source)) return null
    return importer?.startsWith(requiredPrefix) ? { id: source, external: true } : `${requiredPrefix}${source}`
  },
  load(id) {
    if (!id.startsWith(requiredPrefix)) return null
    return `module.exports = require(${JSON.stringify(id.slice(requiredPrefix.length))})`
  },
}

async function koffi({ koffi, target }: AgentSources): Promise<SegmentEntry[]> {
  const entries: SegmentEntry[] = []
  for (const file of ['package.json', 'index.js', target.koffiBinary]) {
    const path = `${agentDirectory}/node_modules/${target.koffiPackage}/${file}`
    const bytes = await readFile(join(koffi.directory, file))
    entries.push({ entry: { kind: 'bytes', path, mode: 0o644, bytes }, of: 'koffi' })
  }
  return entries
}

/** rootfs/ beside this file: the scripts that run before the agent, at their paths in the ramdisk. */
async function initFiles(): Promise<SegmentEntry[]> {
  const source = join(import.meta.dirname, 'rootfs')
  const files = [
    'init',
    'usr/share/udhcpc/default.script',
    'usr/lib/bootwright/early.sh',
    'usr/lib/bootwright/hotplug',
    'etc/modprobe.d/bootwright.conf',
  ]
  return Promise.all(
    files.map(async (path): Promise<SegmentEntry> => {
      const { mode } = await stat(join(source, path))
      return {
        entry: { kind: 'bytes', path, mode: mode & 0o111 ? 0o755 : 0o644, bytes: await readFile(join(source, path)) },
        of: 'init',
      }
    }),
  )
}

function text(path: string, content: string, mode: number): SegmentEntry {
  const entry: ArchiveEntry = { kind: 'bytes', path, mode, bytes: Buffer.from(content) }
  return { entry, of: 'agent' }
}
