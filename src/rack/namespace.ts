import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

/** The namespaces of a rack. `--user` first: it gives an ordinary user the right to make the others. */
export const rackNamespaces = [
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--mount-proc',
] as const

/** For root, who has that right, and keeps it only outside of a user namespace. */
export function withoutUserNamespace(namespaces: readonly string[]): string[] {
  return namespaces.filter((option) => option !== '--user' && option !== '--map-root-user')
}

const launcher = join(import.meta.dirname, '../../bin/bootwright-node')

export type RackEntry = {
  /** Path of the TypeScript module that runs inside. */
  module: string
  arguments: readonly string[]
  /** The namespaces' options for unshare, from checkRack(). */
  namespaces: readonly string[]
  /** Descriptors handed in: the first is number 4 inside. */
  passedFds?: readonly number[]
}

/** The first of the descriptors handed in, inside the rack (0–2 are the standard ones, 3 is the message channel). */
export const firstPassedFd = 4

/**
 * Runs a module of ours as the first process of a new rack. Its output goes to our standard error; it talks to us by
 * `process.send`. When it ends, or we do, the kernel ends every process in the rack:
 * - we die, however: `setpriv --pdeathsig` ends unshare;
 * - unshare dies: `--kill-child` ends the module;
 * - the module dies: it is process 1 of its PID namespace, and the kernel ends the others, and the network with them.
 * It is a session of its own, so that Ctrl-C reaches us alone and we end it in order.
 */
export function enterRack({ module, arguments: values, namespaces, passedFds = [] }: RackEntry): ChildProcess {
  const command = ['--pdeathsig', 'KILL', 'unshare', ...namespaces, '--kill-child=KILL', launcher, module, ...values]
  return spawn('setpriv', command, { stdio: ['ignore', 2, 2, 'ipc', ...passedFds], detached: true })
}

/** Inside: ends at once when the process that made the rack is gone (it may have died before the kernel was told). */
export function endWithOuterProcess(): void {
  process.on('disconnect', () => process.exit(1))
}
