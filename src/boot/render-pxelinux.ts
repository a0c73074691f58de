import {
  type AgentBoot,
  agentCommandLine,
  type BootScript,
  BootScriptUnrenderable,
  type LoaderLines,
  linesFor,
  plainMessage,
  plainWords,
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
  agent: (script) => [...start, ...agentBoot(script)],
  local: () => [...start, '  LOCALBOOT 0'], // BIOS goes to the next entry of its boot order
  refused: ({ reason }) => [
    say(`refused: ${reason}`),
    say('restarting in 60 seconds'),
    ...['DEFAULT restart', 'PROMPT 1', 'TIMEOUT 600', 'LABEL restart', '  COM32 reboot.c32'],
  ],
}

function agentBoot(boot: AgentBoot): string[] {
  const words = agentCommandLine(boot).flatMap(plainWords)
  return [
    `  KERNEL ${plainUrl(boot.server + boot.kernelPath)}`,
    `  INITRD ${boot.initrdPaths.map((path) => plainUrl(boot.server + path)).join(',')}`,
    `  APPEND ${words.join(' ')}`,
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
  return `SAY Bootwright: ${plainMessage(text, /[^\w .,:/()[\]=+@'"<>*!%-]/g)}`
}
