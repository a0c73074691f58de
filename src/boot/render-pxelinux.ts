import {
  type AgentBoot,
  type BootScript,
  BootScriptUnrenderable,
  commandLine,
  describeWait,
  type KernelBoot,
  type LoaderLines,
  linesFor,
  type MenuBoot,
  plainMessage,
  plainWords,
  type WaitBoot,
} from './boot-script.ts'

/*
 * PXELINUX's configuration is lines of a keyword and the rest as it is. Every one here has a label that is started at once, and
 * reboot.c32 for when that fails.
 */

/** The whole configuration file, lines ended by LF. Throws BootScriptUnrenderable. */
export function renderPxelinux(script: BootScript): string {
  return `${[say(script.title), ...linesFor(script, pxelinux), 'ONERROR reboot.c32'].join('\n')}\n`
}

const start = ['DEFAULT bootwright', 'PROMPT 0', 'LABEL bootwright']

const pxelinux: LoaderLines = {
  agent: (script) => [...start, ...kernelBoot(script)],
  kernel: (script) => [...start, ...kernelBoot(script)],
  local: () => [...start, '  LOCALBOOT 0'], // BIOS goes to the next entry of its boot order
  menu: menuBoot,
  refused: ({ reason }) => [
    say(`refused: ${reason}`),
    say('restarting in 60 seconds'),
    ...['DEFAULT restart', 'PROMPT 1', 'TIMEOUT 600', 'LABEL restart', '  COM32 reboot.c32'],
  ],
  wait: waitBoot,
}

function kernelBoot(boot: AgentBoot | KernelBoot): string[] {
  const words = commandLine(boot).flatMap(plainWords)
  return [
    `  KERNEL ${plainUrl(boot.server + boot.kernelPath)}`,
    ...(boot.initrdPaths.length === 0
      ? []
      : [`  INITRD ${boot.initrdPaths.map((path) => plainUrl(boot.server + path)).join(',')}`]),
    `  APPEND ${words.join(' ')}`,
  ]
}

function waitBoot(boot: WaitBoot): string[] {
  return [
    say(describeWait(boot)),
    // A key that somebody presses ends the former, not the latter.
    ...[
      'DEFAULT again',
      'PROMPT 1',
      `TIMEOUT ${boot.askAgainSeconds * 10}`,
      `TOTALTIMEOUT ${boot.askAgainSeconds * 10}`,
    ],
    ...['LABEL again', `  CONFIG ${plainUrl(boot.url)}`],
  ]
}

/** TIMEOUT counts tenths of a second, and 0 of them for ever. */
function menuBoot({ title, timeoutSeconds = 0, defaultEntry, entries }: MenuBoot): string[] {
  return [
    'UI menu.c32',
    `MENU TITLE Bootwright: ${pxelinuxMessage(title)}`,
    `TIMEOUT ${timeoutSeconds * 10}`,
    ...entries.flatMap(({ name, title, url }) => [
      `LABEL ${name}`,
      `  MENU LABEL ${pxelinuxMessage(title)}`,
      ...(name === defaultEntry ? ['  MENU DEFAULT'] : []),
      `  CONFIG ${plainUrl(url)}`,
    ]),
  ]
}

/** A comma would end it, in the list of initrds. */
function plainUrl(url: string): string {
  if (!URL.canParse(url) || !/^http:[\x21-\x7e]+$/.test(url) || url.includes(',')) {
    throw new BootScriptUnrenderable(url, 'PXELINUX wants an absolute http URL without a comma')
  }
  return url
}

function say(text: string): string {
  return `SAY Bootwright: ${pxelinuxMessage(text)}`
}

function pxelinuxMessage(text: string): string {
  return plainMessage(text, /[^\w .,:/()[\]=+@'"<>*!%-]/g)
}
