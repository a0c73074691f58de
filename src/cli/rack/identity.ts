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

/**
 * Compares the files of all Debian packages with the checksums that came with them, but for what the image leaves out; gives
 * how many there are. Rejects when one differs.
 */
export async function checkPackagedFiles(shell: Shell): Promise<number> {
  const list =
    'cat /var/lib/dpkg/info/*.md5sums | while read -r sum file; do [ -e "/$file" ] && echo "$sum  /$file"; done'
  const told = await shell.run(
    `${list} > /tmp/sums; md5sum --quiet -c /tmp/sums 2>&1 | head -20; wc -l < /tmp/sums`,
    300_000,
  )
  const lines = told.split('\n')
  if (lines.length > 1) throw new Error(`Files of packages are not what they should be:\n${told}`)
  return Number(lines[0])
}
