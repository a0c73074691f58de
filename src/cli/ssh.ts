import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { SshPlace } from '../api/find-ssh.ts'
import { openClient } from './client.ts'
import { dataOption, socketPathOf } from './data-directory.ts'

export function sshCommand(): Command {
  return new Command('ssh')
    .description('goes to a machine by SSH, and only if it shows the host key that was recorded for it')
    .argument('<machine>', 'that is being rescued, or was deployed')
    .argument('[command...]', 'in place of a shell')
    .option('--user <name>', 'to log in as', 'root')
    .option('--identity <file>', 'private key, as ssh -i')
    .option('--address <address>', 'in place of the one it was seen with')
    .addOption(dataOption())
    .passThroughOptions()
    .action(ssh)
}

type SshOptions = { data: string; user: string; identity?: string; address?: string }

async function ssh(machine: string, words: string[], options: SshOptions): Promise<void> {
  const client = openClient({ socketPath: socketPathOf(options.data) })
  const path = `/api/v1/machines/${encodeURIComponent(machine)}/ssh`
  const { ssh: place } = await client.request<{ ssh: SshPlace }>('GET', path)
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-ssh-'))
  try {
    const knownHosts = join(directory, 'known_hosts')
    await writeFile(knownHosts, place.hostKeys.map((key) => `${machine} ${key}\n`).join(''))
    process.exitCode = await runSsh(sshArguments(machine, place, { ...options, knownHosts }), words)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** ssh believes the file alone: neither the user's known hosts, nor DNS, nor a key that it has not seen. */
export function sshArguments(
  machine: string,
  { address, hostKeys }: SshPlace,
  options: Pick<SshOptions, 'user' | 'identity' | 'address'> & { knownHosts: string },
): string[] {
  const algorithms = [...new Set(hostKeys.map((key) => key.split(' ')[0]!))].join(',')
  const settings = [
    ...[`UserKnownHostsFile=${options.knownHosts}`, 'GlobalKnownHostsFile=/dev/null', `HostKeyAlias=${machine}`],
    ...['StrictHostKeyChecking=yes', 'UpdateHostKeys=no', 'VerifyHostKeyDNS=no', 'CheckHostIP=no'],
    `HostKeyAlgorithms=${algorithms.replace('ssh-rsa', 'rsa-sha2-512,rsa-sha2-256')}`,
  ]
  const identity = options.identity === undefined ? [] : ['-i', options.identity, '-o', 'IdentitiesOnly=yes']
  return [
    ...settings.flatMap((setting) => ['-o', setting]),
    ...identity,
    ...['-l', options.user, '--', options.address ?? address],
  ]
}

/** Gives its exit status: that of the command, or 255 for ssh's own failures. */
async function runSsh(args: readonly string[], words: readonly string[]): Promise<number> {
  const child = spawn('ssh', [...args, ...words], { stdio: 'inherit' })
  // A key of the terminal is for ssh, and what runs there.
  process.on('SIGINT', () => {})
  const [code, signal] = (await once(child, 'exit').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(cause.code === 'ENOENT' ? 'there is no ssh here: install openssh-client' : cause.message, { cause })
  })) as [number | null, NodeJS.Signals | null]
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}
