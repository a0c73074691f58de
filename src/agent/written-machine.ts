import type { WrittenReport } from '../core/agent-protocol.ts'
import type { Kernel } from './boot-loader/choose-kernel.ts'
import type { RootFilesystem } from './disk/filesystems.ts'

/** A machine whose disk starts the version that was ordered, before it was flushed. */
export type WrittenMachine = {
  /** Of the disk. */
  device: string
  root: RootFilesystem
  kernel: Kernel
  /** Behind `root=`, in order. */
  kernelArguments: readonly string[]
  report: Omit<WrittenReport, 'deploymentId'>
}
