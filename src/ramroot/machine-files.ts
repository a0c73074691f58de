import { createHmac } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Mac } from '../bytes/mac.ts'
import { callVariables, renderPost, retryTell } from '../core/call-script.ts'
import { networkFiles } from '../core/network-files.ts'
import { type ArchiveEntry, writeArchive } from '../ramdisk/cpio.ts'
import { type SshHostKey, sshHostKey } from './ssh-host-key.ts'
import { updateScript } from './update-script.ts'

export type MachineFacts = {
  id: string
  name: string
  /** Interface it is booted from. */
  mac: Mac
  vlan?: number | undefined
  /** Origin of the boot plane. */
  server: string
  /** Proves that it is this boot that came up. */
  upToken: string
  /** What it asks with for another version, and what the answer is hashed with. */
  updateToken: string
  updateKey: string
}

const callPaths = {
  script: '/var/lib/bootwright/up.sh',
  token: '/var/lib/bootwright/up-token',
  unit: '/etc/systemd/system/bootwright-up.service',
} as const

const updatePaths = {
  script: '/var/lib/bootwright/update.sh',
  token: '/var/lib/bootwright/update-token',
  key: '/var/lib/bootwright/update-key',
  unit: '/etc/systemd/system/bootwright-update.service',
} as const

const managements = ['netplan', 'networkd', 'NetworkManager', 'ifupdown'] as const

/**
 * What makes a root in memory a machine's own, as an archive whose first directory says when a file is placed
 * (ramdisk/ram-root/identity.sh). machine-id and host key are the same at every boot: both come from a secret of this site and the
 * machine's id.
 */
export function machineFiles(facts: MachineFacts, secret: Uint8Array): Promise<Buffer> {
  const hostKey = hostKeyOf(facts, secret)
  const entries = [
    text('common/etc/hostname', `${facts.name}\n`),
    text('common/etc/machine-id', `${machineIdOf(facts.id, secret)}\n`, 0o444),
    text('ssh/etc/ssh/ssh_host_ed25519_key', hostKey.privateText, 0o600),
    text('ssh/etc/ssh/ssh_host_ed25519_key.pub', `${hostKey.publicLine}\n`),
    ...managements.flatMap((management) =>
      networkFiles(management, facts.mac, facts.vlan).map((file) =>
        text(`network/${management}${file.path}`, file.text, file.mode),
      ),
    ),
    text(`systemd${callPaths.unit}`, callUnit),
    text(`systemd${callPaths.script}`, callScript(facts.server), 0o700),
    text(`systemd${callPaths.token}`, `${facts.upToken}\n`, 0o600),
    ...updateEntries(facts),
  ]
  const output = new PassThrough()
  const packed = buffer(output)
  return writeArchive(entries, output).then(() => packed)
}

/** `/run` is memory whatever the root is; ramdisk/ram-root/identity.sh puts a kexec there. */
function updateEntries({ server, mac, vlan, updateToken, updateKey }: MachineFacts): ArchiveEntry[] {
  const script = updateScript({
    ...{ server, tokenFile: updatePaths.token, keyFile: updatePaths.key },
    card: `mac=${mac}${vlan === undefined ? '' : `&vlan=${vlan}`}`,
    ...{ work: '/run/bootwright/update', tools: '/run/bootwright/kexec' },
    kexecPlaces: ['/usr/sbin/kexec', '/sbin/kexec'],
  })
  return [
    text(`systemd${updatePaths.unit}`, updateUnit),
    text(`systemd${updatePaths.script}`, script, 0o700),
    text(`systemd${updatePaths.token}`, `${updateToken}\n`, 0o600),
    text(`systemd${updatePaths.key}`, `${updateKey}\n`, 0o600),
  ]
}

export function hostKeyOf({ id, name }: Pick<MachineFacts, 'id' | 'name'>, secret: Uint8Array): SshHostKey {
  return sshHostKey(derived(secret, `ssh host key ${id}`), `root@${name}`)
}

/** machine-id(5): marked as a version 4 UUID. */
export function machineIdOf(id: string, secret: Uint8Array): string {
  const bytes = derived(secret, `machine-id ${id}`).subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex')
}

function derived(secret: Uint8Array, what: string): Buffer {
  return createHmac('sha256', secret).update(`ramroot ${what}`).digest()
}

function callScript(server: string): string {
  const url = new URL(server)
  return `#!/bin/sh
# Written by Bootwright at this boot: tells the server that the system runs from memory.
set -u
umask 077
${callVariables(url)}
token_file=${callPaths.token}
token=$(cat "$token_file") || exit 0

${renderPost(url)}

tell() {
  printf '{}' >"$token_file.body"
  post /agent/ramroot/up application/json "$token_file.body"
}

${retryTell}
rm -f "$token_file" "$token_file.body"
echo 'bootwright: the server knows that this machine runs from memory'
`
}

/** `exec` and not `oneshot`: multi-user.target must not wait for a server that may be away. */
const callUnit = `# Written by Bootwright at this boot.
[Unit]
Description=Tell the Bootwright server that this machine runs from memory
Wants=network-online.target
After=network-online.target
ConditionPathExists=${callPaths.token}

[Service]
Type=exec
ExecStart=/bin/sh ${callPaths.script}
`

const updateUnit = `# Written by Bootwright at this boot.
[Unit]
Description=Ask the Bootwright server whether this machine is to run another version
Wants=network-online.target
After=network-online.target
ConditionPathExists=${updatePaths.token}

[Service]
Type=exec
ExecStart=/bin/sh ${updatePaths.script}
`

function text(path: string, content: string, mode = 0o644): ArchiveEntry {
  return { kind: 'bytes', path, mode, bytes: Buffer.from(content) }
}
