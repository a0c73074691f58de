import { randomBytes } from 'node:crypto'
import type { Console } from './console.ts'

export type Credentials = { user: string; password: string }

/** A person's shell on a machine's console. */
export type Shell = {
  /** Runs one command line and returns what it wrote. Rejects with ConsoleTimeout. */
  run(command: string, timeoutMs?: number): Promise<string>
}

const commandTimeoutMs = 60_000
const promptTimeoutMs = 60_000
const panic = /Kernel panic - not syncing.*|You are in emergency mode.*/

/** Waits until the machine offers a login on its console. */
export async function awaitLoginPrompt(console: Console, timeoutMs: number): Promise<void> {
  await console.expect(/^\S+ login:/m, { timeoutMs, what: 'a login prompt', failOn: panic })
}

/** Logs in at the prompt as a person would, and proves it by running a command. Rejects with ConsoleTimeout. */
export async function logIn(console: Console, { user, password }: Credentials): Promise<Shell> {
  console.type(`${user}\r`)
  await console.expect(/Password:/, { timeoutMs: promptTimeoutMs, what: 'the password prompt' })
  console.type(`${password}\r`)
  await console.expect(/@\S+:\S*[$#]/, {
    timeoutMs: promptTimeoutMs,
    what: 'a shell prompt',
    failOn: /Login incorrect/,
  })
  const shell = { run: (command: string, timeoutMs = commandTimeoutMs) => runCommand(console, command, timeoutMs) }
  await shell.run('stty -echo; PS1=; export TERM=dumb; dmesg -n 1 2>/dev/null || true')
  return shell
}

/** The marks are joined by the shell, so that the echo of what we type is not taken for the answer. */
async function runCommand(console: Console, command: string, timeoutMs: number): Promise<string> {
  const mark = randomBytes(6).toString('hex')
  console.type(`echo begin-''${mark}; ${command}; echo end-''${mark}\r`)
  await console.expect(new RegExp(`begin-${mark}\n`), { timeoutMs, what: `the start of \`${command}\`` })
  const end = await console.expect(new RegExp(`([\\s\\S]*?)end-${mark}\n`), {
    timeoutMs,
    what: `the end of \`${command}\``,
  })
  return withoutKernelMessages(end[1] ?? '').trim()
}

/** The kernel talks on the same line at any moment: `[   36.950919] kvm: Nested Virtualization enabled`. */
export function withoutKernelMessages(words: string): string {
  return words.replace(/\[ *\d+\.\d{6}\] .*\n?/g, '')
}
