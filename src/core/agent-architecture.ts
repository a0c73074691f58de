import type { Architecture } from './firmware.ts'

/** Instruction sets that the agent's ramdisk is made for, by Node's names. */
export const agentArchitectures = ['x64', 'arm64'] as const
export type AgentArchitecture = (typeof agentArchitectures)[number]

/** Kernel consoles where nobody named others, the main one last; the kernel passes over what a machine does not have. */
export const defaultConsoles: Readonly<Record<AgentArchitecture, readonly string[]>> = {
  x64: ['tty0', 'ttyS0,115200'],
  arm64: ['tty0', 'ttyS0,115200', 'ttyAMA0,115200'],
}

/** What runs on a machine whose firmware is of that instruction set; undefined where nothing here does. */
export function agentArchitectureOf(firmware: Architecture): AgentArchitecture | undefined {
  if (firmware === 'arm64') return 'arm64'
  // A processor without 64 bits has not been sold for many years; IA32 firmware still sits on newer ones.
  return firmware === 'arm32' ? undefined : 'x64'
}
