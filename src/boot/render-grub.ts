import {
  type AgentBoot,
  type BootScript,
  BootScriptUnrenderable,
  commandLine,
  type KernelBoot,
  type LoaderLines,
  type LocalBoot,
  linesFor,
  loadedName,
  type MenuBoot,
  plainMessage,
  plainWords,
  type RefusedBoot,
} from './boot-script.ts'

/*
 * GRUB 2's scripts look like a shell's, and quote like one: what stands between single quotes is taken as it is. A script
 * that comes to its end gives back to the loader (content/make-grub-loader.ts), which fetches it again after five seconds.
 */

/** The whole script, lines ended by LF. Throws BootScriptUnrenderable. */
export function renderGrub(script: BootScript): string {
  return `${linesFor(script, grub).join('\n')}\n`
}

/** `http://10.0.0.1:4280/x` as GRUB names it: `(http,10.0.0.1:4280)/x`. Throws BootScriptUnrenderable. */
export function grubPath(url: string): string {
  const { protocol, host, pathname, search } = parseUrl(url)
  if (protocol !== 'http:') throw new BootScriptUnrenderable(url, 'GRUB fetches over http only')
  return `(http,${host})${pathname}${search}`
}

const grub: LoaderLines = {
  agent: kernelBoot,
  kernel: kernelBoot,
  local: localBoot,
  menu: menuBoot,
  refused: refusedBoot,
}

function kernelBoot(boot: AgentBoot | KernelBoot): string[] {
  const file = (path: string) => quote(grubPath(boot.server + path))
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
function menuBoot({ title, timeoutSeconds, defaultEntry, entries }: MenuBoot): string[] {
  return [
    say(title),
    `set timeout=${timeoutSeconds ?? -1}`,
    `set default=${quote(defaultEntry)}`,
    ...entries.flatMap((entry) => [
      `menuentry ${quote(grubMessage(entry.title))} --id ${quote(entry.name)} {`,
      `  configfile ${quote(grubPath(entry.url))}`,
      '}',
    ]),
  ]
}

function localBoot(boot: LocalBoot): string[] {
  const loader =
    boot.diskLoaderUrl === undefined ? [] : [`  chainloader ${quote(grubPath(boot.diskLoaderUrl))}`, '  boot']
  return [
    say(boot.title),
    'if [ "$grub_platform" = efi ]; then',
    ...loader,
    'else',
    '  set root=hd0',
    '  chainloader +1',
    '  boot',
    'fi',
    // Both kinds of firmware go to the next entry of their boot order.
    'exit',
  ]
}

function refusedBoot(boot: RefusedBoot): string[] {
  return [say(boot.title), say(`refused: ${boot.reason}`), say('restarting in 60 seconds'), 'sleep 60', 'reboot']
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
