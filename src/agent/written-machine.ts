import type { WrittenReport } from '../core/agent-protocol.ts'
import type { Kernel } from './boot-loader/choose-kernel.ts'
import type { RootFilesystem } from './disk/filesystems.ts'
import type { Fallback } from './watchdog/plan-fallback.ts'

/** A disk that starts the version that was ordered, before it was flushed. */
export type WrittenDisk = {
  device: string
  report: Omit<WrittenReport, 'deploymentId'>
}

/** The same, where we know what it starts. */
export type WrittenMachine = WrittenDisk & {
  root: RootFilesystem
  kernel: Kernel
  /** Behind `root=`, in order. */
  kernelArguments: readonly string[]
  /** Where the order's hand-over is kexec. */
  fallback?: Fallback
}
