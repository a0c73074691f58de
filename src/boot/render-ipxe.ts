// biome-ignore-all lint/suspicious/noTemplateCurlyInString: iPXE writes its own expansions like that
import { formatMacHyphen, type Mac } from '../bytes/mac.ts'
import { agentArguments } from '../core/agent-protocol.ts'
import { BootScriptUnrenderable, ipxeArgument, ipxeMessage, ipxeUrl } from './ipxe-text.ts'

/** What an iPXE script does. Strings for people may come from a machine; they are escaped here. */
export type IpxeScript = AgentBoot | LocalBoot | RefusedBoot

/** Loads the agent's kernel and initrds and starts them. */
export type AgentBoot = {
  kind: 'agent'
  /** One line for the machine's screen: "rack-3: deploy debian:current". */
  title: string
  /** `http://10.0.0.1:4280`, no slash at the end. */
  server: string
  kernelUrl: string
  initrdUrls: readonly string[]
  /** Absent for an anonymous machine: the agent may discover and show a menu, nothing else. */
  token?: string
  /** Interface the machine boots from. */
  mac: Mac
  /** Last one is the main one: `['tty0', 'ttyS0,115200']`. */
  consoles: readonly string[]
  /** Further kernel arguments, exact; BootScriptUnrenderable when iPXE cannot carry one. */
  kernelArguments: readonly string[]
}

/** Starts the machine's own disk. The script asks iPXE itself whether it is on BIOS or UEFI. */
export type LocalBoot = {
  kind: 'local'
  title: string
  /**
   * The x64 UEFI program that starts a disk (content/make-disk-loader.ts). Without it the firmware goes on with its boot
   * order, where other network entries may come first and take minutes.
   */
  diskLoaderUrl?: string
}

/** Says why, asks DHCP once more for a fresh script, and restarts the machine when that does not help either. */
export type RefusedBoot = { kind: 'refused'; title: string; reason: string }

/** COMMAND_LINE_SIZE of x86 Linux, without the NUL; iPXE cuts what is longer and says nothing. */
const longestCommandLine = 2047

/** The whole script, lines ended by LF. Throws BootScriptUnrenderable. */
export function renderIpxe(script: IpxeScript): string {
  return `${['#!ipxe', ...lines(script)].join('\n')}\n`
}

function lines(script: IpxeScript): string[] {
  switch (script.kind) {
    case 'agent':
      return agentBoot(script)
    case 'local':
      return localBoot(script)
    case 'refused':
      return refusedBoot(script)
  }
}

function agentBoot(boot: AgentBoot): string[] {
  const initrds = boot.initrdUrls.map((url, index) => ({ name: `initrd${index}`, url: ipxeUrl(url) }))
  // initrd=NAME is how the kernel's EFI stub finds each one; BIOS kernels ignore it.
  const commandLine = [...initrds.map(({ name }) => `initrd=${name}`), ...agentCommandLine(boot)].join(' ')
  if (commandLine.length > longestCommandLine) {
    throw new BootScriptUnrenderable(commandLine, `a kernel command line has at most ${longestCommandLine} characters`)
  }
  return [
    say(boot.title),
    'set attempt:int32 1',
    ':load',
    'imgfree',
    `kernel --name vmlinuz ${ipxeUrl(boot.kernelUrl)} ${commandLine} || goto failed`,
    ...initrds.map(({ name, url }) => `initrd --name ${name} ${url} || goto failed`),
    'boot || goto failed',
    ':failed',
    say(`cannot load the agent from ${boot.server}, attempt`, `\${attempt} of 5: https://ipxe.org/\${errno}`),
    'iseq ${attempt} 5 && goto restart ||',
    'inc attempt',
    'sleep 5',
    // The link may have been lost and be back (spanning tree, LACP).
    'dhcp netX ||',
    'goto load',
    ...restart(30),
  ]
}

function agentCommandLine(boot: AgentBoot): string[] {
  return [
    `${agentArguments.server}=${ipxeUrl(boot.server)}`,
    ...(boot.token === undefined ? [] : [`${agentArguments.token}=${boot.token}`]),
    `${agentArguments.bootInterface}=01-${formatMacHyphen(boot.mac)}`,
    ...boot.consoles.map((console) => `console=${console}`),
    ...boot.kernelArguments,
  ].map(ipxeArgument)
}

function localBoot(boot: LocalBoot): string[] {
  return [
    say(boot.title),
    'iseq ${platform} efi && goto uefi ||',
    'sanboot --no-describe --drive 0x80 ||',
    say('cannot start from the first disk:', 'https://ipxe.org/${errno}'),
    'sleep 5',
    'goto firmware',
    ':uefi',
    ...(boot.diskLoaderUrl === undefined ? [] : [`chain --autofree ${ipxeUrl(boot.diskLoaderUrl)} ||`]),
    // A failing exit sends both kinds of firmware to the next entry of their boot order.
    ':firmware',
    'exit 1',
  ]
}

function refusedBoot(boot: RefusedBoot): string[] {
  return [
    say(boot.title),
    say(`refused: ${boot.reason}`),
    // Survives the chain below, so that a script refused again ends here.
    'isset ${bootwright-asked-again} && goto restart ||',
    'set bootwright-asked-again yes',
    'sleep 5',
    'dhcp netX || goto restart',
    'isset ${filename} || goto restart',
    'chain --autofree ${filename} ||',
    ...restart(60),
  ]
}

function restart(seconds: number): string[] {
  return [':restart', say(`restarting in ${seconds} seconds`), `sleep ${seconds}`, 'reboot']
}

/** `trusted` is our own text, with iPXE's expansions. */
function say(text: string, trusted = ''): string {
  return `echo Bootwright: ${ipxeMessage(text)}${trusted && ` ${trusted}`}`
}
