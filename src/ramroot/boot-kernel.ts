import type { AgentArchitecture } from '../core/agent-architecture.ts'
import type { Entry, FileEntry, Tree } from '../image/tree.ts'

/** A version's own kernel and where its modules are. Paths are the tree's. */
export type BootKernel = {
  release: string
  image: FileEntry
  /** `usr/lib/modules/RELEASE`. */
  modulesDirectory: string
  /** Its configuration, where the version has it: `boot/config-RELEASE`. */
  config?: FileEntry
  architecture: AgentArchitecture
}

export type KernelSearch = { kind: 'found'; kernel: BootKernel } | { kind: 'none'; reason: string }

const modulesPattern = /^((?:usr\/)?lib\/modules)\/([^/]+)\/modules\.dep$/
const dynamicLoaders = {
  x64: 'ld-linux-x86-64.so.2',
  arm64: 'ld-linux-aarch64.so.1',
} as const satisfies Record<AgentArchitecture, string>

/** The newest kernel of the tree that has both an image and modules. */
export function findKernel({ entries }: Tree): KernelSearch {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]))
  const fileAt = (path: string) => {
    const entry = byPath.get(path)
    return entry?.type === 'file' ? entry : undefined
  }
  const kernels = entries.flatMap(({ path }) => {
    const [, folder, release] = modulesPattern.exec(path) ?? []
    if (folder === undefined || release === undefined) return []
    const image = imagePlaces(folder, release).map(fileAt).find(Boolean)
    return image
      ? [{ release, image, modulesDirectory: `${folder}/${release}`, config: configOf(fileAt, folder, release) }]
      : []
  })
  const newest = kernels.sort((a, b) => a.release.localeCompare(b.release, 'en', { numeric: true })).at(-1)
  if (!newest) {
    return {
      kind: 'none',
      reason: 'it has no kernel with its modules (boot/vmlinuz-RELEASE, lib/modules/RELEASE/modules.dep)',
    }
  }
  const { config, ...kernel } = newest
  return { kind: 'found', kernel: { ...kernel, ...(config && { config }), architecture: architectureOf(entries) } }
}

/** Debian and Ubuntu; Fedora; Arch. */
function imagePlaces(folder: string, release: string): string[] {
  return [`boot/vmlinuz-${release}`, `boot/vmlinux-${release}`, `${folder}/${release}/vmlinuz`]
}

function configOf(fileAt: (path: string) => FileEntry | undefined, folder: string, release: string) {
  return fileAt(`boot/config-${release}`) ?? fileAt(`${folder}/${release}/config`)
}

function architectureOf(entries: Tree['entries']): AgentArchitecture {
  return entries.some(({ path }) => path.endsWith(`/${dynamicLoaders.arm64}`)) ? 'arm64' : 'x64'
}

/** The kernel is loaded by itself: what is in /boot, and a kernel among the modules, has no place in memory. */
export function isLeftOut(entry: Pick<Entry, 'path'>, kernel: BootKernel): boolean {
  return entry.path.startsWith('boot/') || entry.path === `${kernel.modulesDirectory}/vmlinuz`
}
