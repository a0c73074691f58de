import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { runProgram } from '../../../programs/run-program.ts'
import { say } from '../../say.ts'

const directory = '/run/bootwright/ssh'
const keyFile = `${directory}/host-key`
const authorizedKeys = '/root/.ssh/authorized_keys'
const port = 22
const keyTimeoutMs = 60_000
const startTimeoutMs = 30_000
const againAfterMs = 2000
/** `port` as /proc/net/tcp writes it, and its word for a socket that listens. */
const listening = /:0016 0{8}:0{4} 0A /

/** What dropbear puts before each line: its process and the time. */
const ownStamp = /^\[\d+\] \w{3} \d+ [\d:]+ /

/** Public half without a comment, and as ssh shows it. */
export type HostKey = { hostKey: string; fingerprint: string }

/** A key for this boot alone, and who may log in: once for a boot, however often it is asked for. */
export async function prepareSsh(sshKeys: readonly string[]): Promise<HostKey> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  mkdirSync('/root/.ssh', { recursive: true, mode: 0o700 })
  writeFileSync(authorizedKeys, sshKeys.map((line) => `${line}\n`).join(''), { mode: 0o600 })
  giveShell()
  if (!existsSync(keyFile)) await dropbearKey(['-t', 'ed25519', '-f', keyFile])
  const text = await dropbearKey(['-y', '-f', keyFile])
  writeFileSync(`${keyFile}.pub`, text)
  return parseHostKey(text)
}

/** What dropbearkey prints: the key as OpenSSH has it, with a comment, and its fingerprint. */
export function parseHostKey(text: string): HostKey {
  const hostKey = /^(ssh-ed25519 [A-Za-z0-9+/=]+)/m.exec(text)?.[1]
  const fingerprint = /^Fingerprint: .*?(SHA256:[A-Za-z0-9+/]{43})/m.exec(text)?.[1]
  if (!hostKey || !fingerprint) throw new Error(`Cannot read the SSH host key that dropbearkey made: ${text}`)
  return { hostKey, fingerprint }
}

function dropbearKey(args: readonly string[]): Promise<string> {
  return runProgram('dropbearkey', args, { timeoutMs: keyTimeoutMs })
}

/** Resolves when the server listens. It is started again when it ends, as long as this machine is up. */
export async function startSshServer(): Promise<void> {
  void serve()
  const deadline = performance.now() + startTimeoutMs
  while (!listening.test(readFileSync('/proc/net/tcp', 'utf8') + readFileSync('/proc/net/tcp6', 'utf8'))) {
    if (performance.now() > deadline) throw new Error(`dropbear does not listen on port ${port}`)
    await wait(50)
  }
}

async function serve(): Promise<void> {
  for (;;) {
    // -F: stays in front; -E: tells here who comes; -s: no passwords; -e: sessions have our environment (rootfs/init)
    const options = ['-F', '-E', '-s', '-e', '-r', keyFile, '-p', String(port), '-P', `${directory}/pid`]
    await told(spawn('dropbear', options, { stdio: ['ignore', 'ignore', 'pipe'] }))
    await wait(againAfterMs)
  }
}

/** Who logs in is told on the console of the machine. */
function told(server: ChildProcess): Promise<void> {
  createInterface({ input: server.stderr! }).on('line', (line) => say(`ssh: ${line.replace(ownStamp, '')}`))
  return new Promise((resolve) => {
    server.on('error', (error) => {
      say(`dropbear does not start: ${error.message}`)
      resolve()
    })
    server.on('exit', () => resolve())
  })
}

/** A person gets bash, unless the site's overlay has another shell for root. */
function giveShell(): void {
  if (!existsSync('/usr/bin/bash')) return
  const text = readFileSync('/etc/passwd', 'utf8')
  writeFileSync('/etc/passwd', text.replace(/^(root:.*):\/bin\/sh$/m, '$1:/bin/bash'))
}
