import type { Shell } from '../../rack/login.ts'

/** What makes one deployed machine different from every other, and where its kernel is from. */
export type MachineIdentity = {
  machineId: string
  hostName: string
  /** Public SSH host keys: type and key, without the comment, sorted. */
  hostKeys: string[]
  kernelRelease: string
  /** The Debian package that owns the running kernel's file. */
  kernelPackage: string
}

/** Asks a machine we are logged in to. Rejects with ConsoleTimeout. */
export async function readIdentity(shell: Shell): Promise<MachineIdentity> {
  const kernelRelease = await shell.run('uname -r')
  const owner = await shell.run('dpkg-query -S /boot/vmlinuz-$(uname -r)')
  const keys = await shell.run('cat /etc/ssh/ssh_host_*_key.pub')
  return {
    machineId: await shell.run('cat /etc/machine-id'),
    hostName: await shell.run('hostname'),
    hostKeys: keyLines(keys.split('\n')),
    kernelRelease,
    kernelPackage: owner.split(':')[0] ?? '',
  }
}

/** OpenSSH public key lines without their comments, sorted. */
export function keyLines(lines: readonly string[]): string[] {
  const keys = lines.map((line) => line.trim().split(/\s+/).slice(0, 2).join(' '))
  return keys.filter((key) => key.startsWith('ssh-') || key.startsWith('ecdsa-')).sort()
}
