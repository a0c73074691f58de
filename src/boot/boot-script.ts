import { formatMacHyphen, type Mac } from '../bytes/mac.ts'
import type { AgentArchitecture } from '../core/agent-architecture.ts'
import { agentArguments } from '../core/agent-arguments.ts'

/** What a boot script does, whichever loader runs it. Strings for people may come from a machine; renderers escape them. */
export type BootScript = AgentBoot | KernelBoot | LocalBoot | MenuBoot | RefusedBoot | WaitBoot

/** Loads the agent's kernel and initrds and starts them. */
export type AgentBoot = {
  kind: 'agent'
  /** One line for the machine's screen: "rack-3: deploy debian:current". */
  title: string
  /** `http://10.0.0.1:4280`, no slash at the end. */
  server: string
  /** Paths on the server: `/ramdisk/3f9a/vmlinuz`. */
  kernelPath: string
  initrdPaths: readonly string[]
  /** Absent for an anonymous machine: the agent may discover and show a menu, nothing else. */
  token?: string
  /** Interface the machine boots from. */
  mac: Mac
  /** The tag that its frames need. */
  vlan?: number
  /** Last one is the main one: `['tty0', 'ttyS0,115200']`. */
  consoles: readonly string[]
  /** Further kernel arguments, exact; BootScriptUnrenderable when a loader cannot carry one. */
  kernelArguments: readonly string[]
}

/** Loads an operator's kernel and initrds and starts them. */
export type KernelBoot = Pick<AgentBoot, 'title' | 'server' | 'kernelPath' | 'initrdPaths' | 'kernelArguments'> & {
  kind: 'kernel'
}

/** Lets a person choose what is booted; the script of an entry is at its URL. */
export type MenuBoot = {
  kind: 'menu'
  title: string
  /** Then the default entry is started; absent, the menu waits for ever. */
  timeoutSeconds?: number
  /** Its name. */
  defaultEntry: string
  /** Names have small letters, digits and hyphens. */
  entries: readonly { name: string; title: string; url: string }[]
}

/** Starts the machine's own disk. The script asks the loader itself whether it is on BIOS or UEFI. */
export type LocalBoot = {
  kind: 'local'
  title: string
  /**
   * The x64 UEFI program that starts a disk (content/make-disk-loader.ts). Without it the firmware goes on with its boot
   * order, where other network entries may come first and take minutes.
   */
  diskLoaderUrl?: string
  /** Which names its loaders have on an ESP; x64 where not given. */
  architecture?: AgentArchitecture
  /** FAT volume id of the deployed disk's ESP, as blkid writes it, where it is known. */
  espUuid?: string
}

/** Says why, and restarts the machine when asking again does not help. */
export type RefusedBoot = { kind: 'refused'; title: string; reason: string }

/** Says how long the machine's turn to load the agent is away, waits, and asks again. */
export type WaitBoot = {
  kind: 'wait'
  title: string
  /** 1 is the next. */
  place: number
  etaSeconds: number
  askAgainSeconds: number
  /** Of the script that is fetched then. */
  url: string
  /** It is run by a script that waits already (GRUB). */
  isInside: boolean
}

/** For the machine's screen: one of its 80 columns' lines, with the loader's "Bootwright: ". */
export function describeWait({ place, etaSeconds }: WaitBoot): string {
  return `waits to load: number ${place} in line, about ${etaSeconds} seconds`
}

/** The lines that a loader runs for each kind of script. */
export type LoaderLines = { [Kind in BootScript['kind']]: (script: Extract<BootScript, { kind: Kind }>) => string[] }

export function linesFor(script: BootScript, loader: LoaderLines): string[] {
  switch (script.kind) {
    case 'agent':
      return loader.agent(script)
    case 'kernel':
      return loader.kernel(script)
    case 'local':
      return loader.local(script)
    case 'menu':
      return loader.menu(script)
    case 'refused':
      return loader.refused(script)
    case 'wait':
      return loader.wait(script)
  }
}

/** COMMAND_LINE_SIZE of x86 Linux, without the NUL; loaders cut what is longer and say nothing. */
const longestCommandLine = 2047

/** A value cannot be written into a boot script so that it arrives as it is. */
export class BootScriptUnrenderable extends Error {
  override readonly name = 'BootScriptUnrenderable'
  readonly value: string

  constructor(value: string, reason: string) {
    super(`Cannot put ${JSON.stringify(value)} into a boot script: ${reason}`)
    this.value = value
  }
}

/** The kernel's arguments, in order. `loaderArguments` are the loader's own, before them. Throws BootScriptUnrenderable. */
export function commandLine(boot: AgentBoot | KernelBoot, loaderArguments: readonly string[] = []): string[] {
  const words = [...loaderArguments, ...(boot.kind === 'agent' ? agentWords(boot) : []), ...boot.kernelArguments]
  const text = words.join(' ')
  if (text.length > longestCommandLine) {
    throw new BootScriptUnrenderable(text, `a kernel command line has at most ${longestCommandLine} characters`)
  }
  return words
}

function agentWords(boot: AgentBoot): string[] {
  return [
    `${agentArguments.server}=${boot.server}`,
    ...(boot.token === undefined ? [] : [`${agentArguments.token}=${boot.token}`]),
    `${agentArguments.bootInterface}=01-${formatMacHyphen(boot.mac)}`,
    ...(boot.vlan === undefined ? [] : [`${agentArguments.vlan}=${boot.vlan}`]),
    ...boot.consoles.map((console) => `console=${console}`),
  ]
}

/** What is loaded, in words. */
export function loadedName({ kind }: AgentBoot | KernelBoot): string {
  return kind === 'agent' ? 'the agent' : 'the kernel'
}

const longestMessageLength = 300

/** Text for people on one line, never empty. `unsafe` (global) matches what would mean something to the loader. */
export function plainMessage(text: string, unsafe: RegExp): string {
  const shown = text
    .replaceAll('’', "'")
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, longestMessageLength)
    .replace(unsafe, '?')
  return shown === '' ? '?' : shown
}

const oneWordOfAscii = /^[\x21-\x7e]+$/

/** A kernel argument: one word, or words with single spaces inside a quoted value. Throws BootScriptUnrenderable. */
export function plainWords(argument: string): string[] {
  const words = argument.split(' ')
  if (!words.every((word) => oneWordOfAscii.test(word))) {
    throw new BootScriptUnrenderable(argument, 'only printable ASCII and single spaces arrive unchanged')
  }
  return words
}
