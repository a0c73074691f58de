import type { AgentArchitecture } from '../core/agent-architecture.ts'
import {
  type AgentBoot,
  type BootScript,
  BootScriptUnrenderable,
  commandLine,
  describeWait,
  type KernelBoot,
  type LoaderLines,
  type LocalBoot,
  linesFor,
  loadedName,
  type MenuBoot,
  plainMessage,
  plainWords,
  type RefusedBoot,
  type WaitBoot,
} from './boot-script.ts'

/*
 * GRUB 2's scripts look like a shell's, and quote like one: what stands between single quotes is taken as it is. A script
 * that comes to its end gives back to the loader (content/make-grub-loader.ts), which fetches it again after five seconds.
 */

/** Our own GRUB fetches over HTTP; the signed one has TFTP alone, where the same paths lead to the same files. */
type Transport = 'http' | 'tftp'

/** The whole script, lines ended by LF. Throws BootScriptUnrenderable. */
export function renderGrub(script: BootScript): string {
  return `${linesFor(script, grub).join('\n')}\n`
}

/** The same for Debian's signed GRUB behind shim. */
export function renderSignedGrub(script: BootScript): string {
  return `${linesFor(script, signedGrub).join('\n')}\n`
}

/**
 * `http://10.0.0.1:4280/x` as GRUB names it: `(http,10.0.0.1:4280)/x`, or `(tftp,10.0.0.1)/x`. Throws BootScriptUnrenderable.
 */
export function grubPath(url: string, transport: Transport = 'http'): string {
  const { protocol, host, hostname, pathname, search } = parseUrl(url)
  if (protocol !== 'http:') throw new BootScriptUnrenderable(url, 'GRUB fetches over http only')
  return `(${transport},${transport === 'http' ? host : hostname})${pathname}${search}`
}

const grub: LoaderLines = {
  agent: (boot) => kernelBoot(boot, 'http'),
  kernel: (boot) => kernelBoot(boot, 'http'),
  local: localBoot,
  menu: (boot) => menuBoot(boot, 'http'),
  refused: refusedBoot,
  wait: (boot) => waitBoot(boot, 'http'),
}
const signedGrub: LoaderLines = {
  ...grub,
  agent: (boot) => kernelBoot(boot, 'tftp'),
  kernel: (boot) => kernelBoot(boot, 'tftp'),
  menu: (boot) => menuBoot(boot, 'tftp'),
  wait: (boot) => waitBoot(boot, 'tftp'),
}

function kernelBoot(boot: AgentBoot | KernelBoot, transport: Transport): string[] {
  const file = (path: string) => quote(grubPath(boot.server + path, transport))
  const words = commandLine(boot).map(kernelArgument)
  return [
    say(boot.title),
    `if linux ${file(boot.kernelPath)} ${words.join(' ')}; then`,
    ...(boot.initrdPaths.length === 0
      ? ['  boot']
      : [`  if initrd ${boot.initrdPaths.map(file).join(' ')}; then`, '    boot', '  fi']),
    'fi',
    say(`cannot load ${loadedName(boot)} from ${boot.server}`),
  ]
}

/** GRUB puts a backslash before these on the way to the kernel, which takes it for a part of the value. */
function kernelArgument(argument: string): string {
  if (plainWords(argument).length > 1 || /["'\\]/.test(argument)) {
    throw new BootScriptUnrenderable(argument, 'GRUB cannot carry quotes, backslashes or spaces to the kernel')
  }
  return quote(argument)
}

/** The loader runs scripts by `configfile`, which shows their entries. An entry that gives back leads to the menu again. */
function menuBoot({ title, timeoutSeconds, defaultEntry, entries }: MenuBoot, transport: Transport): string[] {
  return [
    say(title),
    `set timeout=${timeoutSeconds ?? -1}`,
    `set default=${quote(defaultEntry)}`,
    ...entries.flatMap((entry) => [
      `menuentry ${quote(grubMessage(entry.title))} --id ${quote(entry.name)} {`,
      `  configfile ${quote(grubPath(entry.url, transport))}`,
      '}',
    ]),
  ]
}

function localBoot({ title, espUuid, architecture }: LocalBoot): string[] {
  return [
    say(title),
    'if [ "$grub_platform" = efi ]; then',
    ...startEsp(espUuid, architecture).map((line) => `  ${line}`),
    'else',
    '  set root=hd0',
    '  chainloader +1',
    '  boot',
    'fi',
    // Both kinds of firmware go to the next entry of their boot order.
    'exit',
  ]
}

/**
 * Where the agent left its mark (agent/boot-loader/loader-place.ts) the loader is ours; else the fallback loader is the one to
 * start. shim stands before the GRUB that it starts: under Secure Boot nothing else is signed by whom the firmware trusts.
 */
function startEsp(espUuid: string | undefined, architecture: AgentArchitecture = 'x64'): string[] {
  const suffix = { x64: 'x64', arm64: 'aa64' }[architecture]
  const fallback = `BOOT${suffix.toUpperCase()}.EFI`
  const wanted = espUuid === undefined ? `--file /EFI/BOOT/${fallback}` : `--fs-uuid ${quote(espUuid)}`
  return [
    `if search --no-floppy --set=root ${wanted}; then`,
    '  for mark in /EFI/*/BOOTWRIGHT.TXT; do',
    `    regexp --set=1:directory '^(.*)/' "$mark"`,
    `    for loader in "$directory/${fallback}" "$directory/shim${suffix}.efi" "$directory/grub${suffix}.efi"; do`,
    '      if [ -f "$loader" ]; then',
    '        echo "Bootwright: starting $loader"',
    '        if chainloader "$loader"; then',
    '          boot',
    '        fi',
    '      fi',
    '    done',
    '  done',
    `  if chainloader /EFI/BOOT/${fallback}; then`,
    '    boot',
    '  fi',
    'fi',
  ]
}

function refusedBoot(boot: RefusedBoot): string[] {
  return [say(boot.title), say(`refused: ${boot.reason}`), say('restarting in 60 seconds'), 'sleep 60', 'reboot']
}

/** GRUB counts nothing: a mark for each. */
const mostFailures = 'x'.repeat(10)

/**
 * The first script of these asks again and again, by `source`, which runs what it fetches in its own place: scripts that started
 * each other would lie on GRUB's stack all together. Those that it fetches only say what is next. When the server does not answer
 * any more the loader fetches the first one anew, and restarts the machine in the end.
 */
function waitBoot(boot: WaitBoot, transport: Transport): string[] {
  const next = [
    say(describeWait(boot)),
    `set wait_seconds=${boot.askAgainSeconds}`,
    `set wait_script=${quote(grubPath(boot.url, transport))}`,
  ]
  if (boot.isInside) return next
  return [
    say(boot.title),
    ...next,
    'set failures=',
    `while [ "$failures" != ${mostFailures} ]; do`,
    '  sleep $wait_seconds',
    '  if source "$wait_script"; then',
    '    set failures=',
    '  else',
    `    ${say('the server does not answer')}`,
    '    set failures="x$failures"',
    '  fi',
    'done',
  ]
}

function say(text: string): string {
  return `echo ${quote(`Bootwright: ${grubMessage(text)}`)}`
}

function grubMessage(text: string): string {
  return plainMessage(text, /[^\w .,:/()[\]=+@"<>*!%-]/g)
}

/** `text` has no single quote in it. */
function quote(text: string): string {
  return `'${text}'`
}

function parseUrl(url: string): URL {
  if (!URL.canParse(url)) throw new BootScriptUnrenderable(url, 'it is not an absolute URL')
  return new URL(url)
}
