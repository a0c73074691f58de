import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../../programs/run-program.ts'
import type { InsideRoot } from '../inside-root.ts'
import type { HostKey } from './carried-identity.ts'

const keygenTimeoutMs = 120_000
const keyName = /^ssh_host_\w+_key(\.pub)?$/

/**
 * Makes the machine's SSH host keys here, in memory, and puts them in place of whatever the image brought; `carried` ones
 * are put there as they are. Gives the public lines; none when the image has no OpenSSH server.
 */
export async function writeHostKeys(
  root: InsideRoot,
  name: string,
  signal: AbortSignal,
  carried: readonly HostKey[] = [],
): Promise<string[]> {
  if (!root.isExecutable('/usr/sbin/sshd')) return []
  for (const file of root.list('/etc/ssh')) if (keyName.test(file)) root.remove(`/etc/ssh/${file}`)
  const directory = mkdtempSync(join(tmpdir(), 'host-keys-'))
  try {
    const publicLines: string[] = []
    for (const type of hostKeyTypes(root)) {
      const { privateText, publicText } =
        carried.find((key) => key.type === type) ?? (await makeKey(directory, type, name, signal))
      root.writeText(`/etc/ssh/ssh_host_${type}_key`, privateText, 0o600)
      root.writeText(`/etc/ssh/ssh_host_${type}_key.pub`, publicText)
      publicLines.push(publicText.trim())
    }
    return publicLines
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function makeKey(directory: string, type: string, name: string, signal: AbortSignal): Promise<HostKey> {
  const file = join(directory, `ssh_host_${type}_key`)
  const args = ['-q', '-t', type, '-N', '', '-C', `root@${name}`, '-f', file]
  await runProgram('ssh-keygen', args, { timeoutMs: keygenTimeoutMs, signal })
  return { type, privateText: readFileSync(file, 'utf8'), publicText: readFileSync(`${file}.pub`, 'utf8') }
}

/** An RSA key takes many seconds on a slow machine and no client of the last ten years needs it, unless sshd is told to. */
function hostKeyTypes(root: InsideRoot): string[] {
  const dropIns = root.list('/etc/ssh/sshd_config.d').map((file) => `/etc/ssh/sshd_config.d/${file}`)
  const wantsRsa = ['/etc/ssh/sshd_config', ...dropIns].some((file) =>
    /^\s*HostKey\s+\S*ssh_host_rsa_key/im.test(root.readText(file) ?? ''),
  )
  return wantsRsa ? ['ed25519', 'ecdsa', 'rsa'] : ['ed25519', 'ecdsa']
}
