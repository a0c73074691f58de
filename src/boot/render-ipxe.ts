// biome-ignore-all lint/suspicious/noTemplateCurlyInString: iPXE writes its own expansions like that
import {
  type AgentBoot,
  type BootScript,
  commandLine,
  describeWait,
  type KernelBoot,
  type LoaderLines,
  type LocalBoot,
  linesFor,
  loadedName,
  type MenuBoot,
  type RefusedBoot,
  type WaitBoot,
} from './boot-script.ts'
import { ipxeArgument, ipxeMessage, ipxeUrl } from './ipxe-text.ts'

/** The whole script, lines ended by LF. Throws BootScriptUnrenderable. */
export function renderIpxe(script: BootScript): string {
  return `${['#!ipxe', ...linesFor(script, ipxe)].join('\n')}\n`
}

const ipxe: LoaderLines = {
  agent: kernelBoot,
  kernel: kernelBoot,
  local: localBoot,
  menu: menuBoot,
  refused: refusedBoot,
  wait: waitBoot,
}

function kernelBoot(boot: AgentBoot | KernelBoot): string[] {
  const initrds = boot.initrdPaths.map((path, index) => ({ name: `initrd${index}`, url: ipxeUrl(boot.server + path) }))
  // initrd=NAME is how the kernel's EFI stub finds each one; BIOS kernels ignore it.
  const names = initrds.map(({ name }) => `initrd=${name}`)
  const words = commandLine(boot, names).map(ipxeArgument).join(' ')
  return [
    say(boot.title),
    'set attempt:int32 1',
    ':load',
    'imgfree',
    `kernel --name vmlinuz ${ipxeUrl(boot.server + boot.kernelPath)} ${words} || goto failed`,
    ...initrds.map(({ name, url }) => `initrd --name ${name} ${url} || goto failed`),
    'boot || goto failed',
    ':failed',
    say(`cannot load ${loadedName(boot)} from ${boot.server}, attempt`, `\${attempt} of 5: https://ipxe.org/\${errno}`),
    'iseq ${attempt} 5 && goto restart ||',
    'inc attempt',
    'sleep 5',
    // The link may have been lost and be back (spanning tree, LACP).
    'dhcp netX ||',
    'goto load',
    ...restart(30),
  ]
}

/** What returns from an entry's script asks the person again. */
function menuBoot({ title, timeoutSeconds, defaultEntry, entries }: MenuBoot): string[] {
  const timeout = timeoutSeconds === undefined ? '' : ` --timeout ${timeoutSeconds * 1000}`
  return [
    ':choose',
    `menu Bootwright: ${ipxeMessage(title)}`,
    ...entries.map((entry) => `item ${entry.name} ${ipxeMessage(entry.title)}`),
    `choose --default ${defaultEntry}${timeout} entry || goto choose`,
    'goto entry-${entry}',
    ...entries.flatMap(({ name, url }) => [`:entry-${name}`, `chain --autofree ${ipxeUrl(url)} || goto choose`]),
  ]
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

/** Each script takes the place of the one before it, so that waiting takes no more memory however long it is. */
function waitBoot(boot: WaitBoot): string[] {
  return [
    say(boot.title),
    say(describeWait(boot)),
    `sleep ${boot.askAgainSeconds}`,
    'set attempt:int32 1',
    ':ask',
    `chain --replace --autofree ${ipxeUrl(boot.url)} ||`,
    say('the server does not answer, attempt', '${attempt} of 10: https://ipxe.org/${errno}'),
    'iseq ${attempt} 10 && goto restart ||',
    'inc attempt',
    'sleep 5',
    'dhcp netX ||',
    'goto ask',
    ...restart(10),
  ]
}

function restart(seconds: number): string[] {
  return [':restart', say(`restarting in ${seconds} seconds`), `sleep ${seconds}`, 'reboot']
}

/** `trusted` is our own text, with iPXE's expansions. */
function say(text: string, trusted = ''): string {
  return `echo Bootwright: ${ipxeMessage(text)}${trusted && ` ${trusted}`}`
}
