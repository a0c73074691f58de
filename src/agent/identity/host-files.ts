import { randomBytes } from 'node:crypto'
import type { InsideRoot } from '../inside-root.ts'

/** Host name, /etc/hosts and machine-id of this machine, whatever the image had. `name` is an RFC 1123 label. */
export function writeHostFiles(root: InsideRoot, name: string, machineId = newMachineId()): void {
  root.writeText('/etc/hostname', `${name}\n`)
  root.writeText('/etc/hosts', renderHosts(root.readText('/etc/hosts'), name))
  // Present and valid, so that systemd does not take the boot for an installation's first and reset every unit.
  root.writeText('/etc/machine-id', `${machineId}\n`, 0o444)
  if (root.stat('/var/lib/dbus')?.isDirectory()) root.link('/var/lib/dbus/machine-id', '/etc/machine-id')
}

/** machine-id(5): 16 random bytes, marked as a version 4 UUID, in lower-case hexadecimal without hyphens. */
export function newMachineId(): string {
  const bytes = randomBytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex')
}

const emptyHosts =
  '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n'

/** The image's lines with Debian's 127.0.1.1 line for this machine, so that its name resolves without a network. */
export function renderHosts(imageHosts: string | undefined, name: string): string {
  const text = imageHosts?.trim() ? imageHosts : emptyHosts
  const lines = text.split('\n').filter((line) => !/^\s*127\.0\.1\.1\s/.test(line))
  while (lines.at(-1) === '') lines.pop()
  const after = lines.findLastIndex((line) => /^\s*127\.0\.0\.1\s/.test(line)) + 1
  lines.splice(after, 0, `127.0.1.1 ${name}`)
  return `${lines.join('\n')}\n`
}
