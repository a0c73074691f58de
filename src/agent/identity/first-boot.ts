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

/** Attempts are 5, 10, 20 … 60 s apart: about ten minutes in all; the next boot tries again. */
const attempts = 14

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
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const first = renderFirstBootHooks(hooks)
  return `#!/bin/sh
# Written by Bootwright when it deployed this machine: tells the server once that the deployed system runs.
set -u
umask 077
url='${url.origin}'
host='${url.hostname}'
port='${port}'
token_file=${firstBootPaths.token}
token=$(cat "$token_file") || exit 0

# UEFI alone: the boot order as it is after a restart, where firmware may have made one of its own (hexadecimal).
variable=/sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c
query=''
if [ -r "$variable" ]; then query="?bootOrder=$(od -An -v -tx1 -j4 "$variable" | tr -d ' \\n')"; fi

# Each posts a file: path, content type, file.
by_curl() {
  printf 'header = "Authorization: Bearer %s"\\nheader = "Content-Type: %s"\\n' "$token" "$2" |
    curl --silent --fail --max-time 20 --output /dev/null --data-binary "@$3" --config - "$url$1"
}

# Debian's bash opens TCP connections by itself, so that an image without any HTTP client can speak.
by_bash() {
  BOOTWRIGHT_TOKEN=$token timeout 20 bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit 1
    printf "POST %s HTTP/1.1\\r\\nHost: %s:%s\\r\\nAuthorization: Bearer %s\\r\\nContent-Type: %s\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" "$3" "$1" "$2" "$BOOTWRIGHT_TOKEN" "$4" "$(wc -c <"$5")" >&3
    cat "$5" >&3
    read -r version status rest <&3 || exit 1
    case $status in 2*) exit 0 ;; *) exit 1 ;; esac' bash "$host" "$port" "$1" "$2" "$3"
}

by_wget() {
  printf 'header = Authorization: Bearer %s\\nheader = Content-Type: %s\\npost_file = %s\\n' "$token" "$2" "$3" >"$token_file.wgetrc"
  wget --config="$token_file.wgetrc" --quiet --tries=1 --timeout=20 --output-document=/dev/null "$url$1"
  result=$?
  rm -f "$token_file.wgetrc"
  return $result
}

post() {
  if command -v curl >/dev/null 2>&1; then by_curl "$@"
  elif ${url.protocol === 'https:' ? 'false' : 'command -v bash >/dev/null 2>&1'}; then by_bash "$@"
  elif command -v wget >/dev/null 2>&1; then by_wget "$@"
  else
    echo 'bootwright: cannot reach the server: this system has neither curl nor bash nor wget' >&2
    exit 1
  fi
}
${first.run}
tell() {${first.tell}
  printf '{}' >"$token_file.body"
  post "/agent/proof$query" application/json "$token_file.body"
}

attempt=1
pause=5
until tell; do
  if [ "$attempt" -ge ${attempts} ]; then
    echo "bootwright: $url did not answer in $attempt attempts; the next boot tries again" >&2
    exit 1
  fi
  attempt=$((attempt + 1))
  sleep "$pause"
  pause=$((pause * 2))
  if [ "$pause" -gt 60 ]; then pause=60; fi
done
${first.clean}rm -f "$token_file" "$token_file.body" ${firstBootPaths.wanted} ${firstBootPaths.unit} ${firstBootPaths.script}
echo 'bootwright: the server knows that this machine runs its deployed system'
`
}
