import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

const againAfterMs = 1000

/** `open`: a shell for whoever is there, as `bootwright.debug` asks for. */
export type ConsoleAccess = { kind: 'password'; hash: string } | { kind: 'open' } | { kind: 'closed' }

/** Lets a person work at the machine itself, on its screen and serial line. `consoles` are values of `console=`. */
export function openConsoles(consoles: readonly string[], access: ConsoleAccess): string[] {
  if (access.kind === 'closed') return []
  if (access.kind === 'password') setPassword(access.hash)
  const terminals = consoles.map(parseConsole).filter(({ name }) => existsSync(`/dev/${name}`))
  for (const terminal of terminals) void serve(terminal, access.kind === 'open')
  return terminals.map(({ name }) => name)
}

type Terminal = { name: string; speed: string; type: string }

/** `ttyS0,115200n8`; of `tty0`, which is whatever screen is shown, a person gets the first. */
export function parseConsole(value: string): Terminal {
  const [device = '', options = ''] = value.split(',')
  if (/^tty\d+$/.test(device)) return { name: device === 'tty0' ? 'tty1' : device, speed: '38400', type: 'linux' }
  return { name: device, speed: /^\d+/.exec(options)?.[0] ?? '115200', type: 'vt220' }
}

async function serve({ name, speed, type }: Terminal, isOpen: boolean): Promise<void> {
  const shell = isOpen ? ['-n', '-l', '/usr/lib/bootwright/console-shell'] : []
  for (;;) {
    const getty = spawn('getty', ['-L', ...shell, speed, name, type], { stdio: 'ignore', detached: true })
    await new Promise<void>((resolve) => {
      getty.on('error', () => resolve())
      getty.on('exit', () => resolve())
    })
    await wait(againAfterMs)
  }
}

function setPassword(hash: string): void {
  const others = existsSync('/etc/shadow') ? readFileSync('/etc/shadow', 'utf8').replace(/^root:.*\n?/m, '') : ''
  writeFileSync('/etc/shadow', `root:${hash}:20000:0:99999:7:::\n${others}`, { mode: 0o600 })
}
