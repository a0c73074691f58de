import { callVariables, renderPost, retryTell } from '../../core/call-script.ts'
import type { Hook } from '../../core/setup.ts'
import type { InsideRoot } from '../inside-root.ts'
import { renderFirstBootHooks, writeFirstBootHooks } from './first-boot-hooks.ts'

export const firstBootPaths = {
  unit: '/etc/systemd/system/bootwright-proof.service',
  wanted: '/etc/systemd/system/multi-user.target.wants/bootwright-proof.service',
  script: '/var/lib/bootwright/proof.sh',
  token: '/var/lib/bootwright/proof-token',
} as const

/** Scripts of the operator's for the deployed system's first boot, and what they are given. */
export type FirstBootHooks = { hooks: readonly Hook[]; environment: Readonly<Record<string, string>> }

/** The image has nothing that would run the first boot's hooks. */
export class FirstBootImpossible extends Error {
  override readonly name = 'FirstBootImpossible'
}

/** Puts the callback into the deployed system; gives the sentence for the timeline. `server` is an origin. */
export function writeFirstBoot(
  root: InsideRoot,
  server: string,
  proofToken: string,
  { hooks, environment }: FirstBootHooks = { hooks: [], environment: {} },
): string {
  const systemd = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'].some((path) => root.isExecutable(path))
  if (!systemd && hooks.length > 0) {
    throw new FirstBootImpossible(
      'The image has no systemd, which would run its first-boot hooks; use after-write hooks instead',
    )
  }
  if (!systemd) return 'no first-boot callback: the image has no systemd'
  // A token that could end the header would be the server's fault; it must not become the deployed machine's.
  if (!/^[\w.~+/=-]+$/.test(proofToken))
    throw new TypeError('Cannot use the proof token: it is not a bearer token (RFC 6750 §2.1)')
  root.makeDirectory('/var/lib/bootwright', 0o700)
  root.writeText(firstBootPaths.token, `${proofToken}\n`, 0o600)
  root.writeText(firstBootPaths.script, renderProofScript(server, hooks), 0o700)
  root.writeText(firstBootPaths.unit, proofUnit)
  root.link(firstBootPaths.wanted, firstBootPaths.unit)
  if (hooks.length === 0) return 'first-boot callback installed'
  writeFirstBootHooks(root, hooks, environment)
  return `first-boot callback installed, with ${hooks.length} hook${hooks.length === 1 ? '' : 's'} before it`
}

/** `exec` and not `oneshot`: multi-user.target must not wait for a server that may be away. */
export const proofUnit = `# Written by Bootwright when it deployed this machine; removed when the server has heard of it.
[Unit]
Description=Tell the Bootwright server that this machine runs its deployed system
Wants=network-online.target
After=network-online.target
ConditionPathExists=${firstBootPaths.token}

[Service]
Type=exec
ExecStart=/bin/sh ${firstBootPaths.script}

[Install]
WantedBy=multi-user.target
`

/** POSIX sh; speaks through curl, bash or GNU wget, whichever the image has. The token never stands in an argument. */
export function renderProofScript(server: string, hooks: readonly Hook[] = []): string {
  const url = new URL(server)
  const first = renderFirstBootHooks(hooks)
  return `#!/bin/sh
# Written by Bootwright when it deployed this machine: tells the server once that the deployed system runs.
set -u
umask 077
${callVariables(url)}
token_file=${firstBootPaths.token}
token=$(cat "$token_file") || exit 0

# UEFI alone: the boot order as it is after a restart, where firmware may have made one of its own (hexadecimal).
variable=/sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c
query=''
if [ -r "$variable" ]; then query="?bootOrder=$(od -An -v -tx1 -j4 "$variable" | tr -d ' \\n')"; fi

${renderPost(url)}
${first.run}
tell() {${first.tell}
  printf '{}' >"$token_file.body"
  post "/agent/proof$query" application/json "$token_file.body"
}

${retryTell}
${first.clean}rm -f "$token_file" "$token_file.body" ${firstBootPaths.wanted} ${firstBootPaths.unit} ${firstBootPaths.script}
echo 'bootwright: the server knows that this machine runs its deployed system'
`
}
