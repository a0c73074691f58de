import { configurationLines, hasFirstBoot } from '../configuration-lines.ts'
import type { ReadRecipe } from '../read-recipe.ts'
import { stagingPath } from '../staging.ts'

export const firstBootUnit = 'bootwright-first-boot.service'
/** Begins the last line that the machine says on its second serial line: `bootwright-first-boot: EXIT STATUS`. */
export const firstBootMarker = 'bootwright-first-boot: '
/** The first serial line is the console. */
const outputLine = '/dev/ttyS1'
/** Of QEMU's user-mode network, which the machine is in. */
const nameServer = '10.0.2.3'

/** What is done in the machine, step by step, as root, with the system's services running. */
export function renderFirstBootScript({ configurations }: ReadRecipe): string {
  return `${configurationLines(configurations, 'firstBoot').join('\n')}\n`
}

/** Runs that, and says on the second serial line what it says, and how it ended. */
export function renderFirstBootRunner({ files }: ReadRecipe): string {
  const ownsResolver = files.some(({ path }) => path === '/etc/resolv.conf')
  return `${[
    `exec >${outputLine} 2>&1 </dev/null`,
    `stty -F ${outputLine} -opost`,
    `export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root SECRETS=${stagingPath}/secrets`,
    // The build's, which may be one that only the building machine reaches.
    ...(ownsResolver ? [] : [`[ -L /etc/resolv.conf ] || echo 'nameserver ${nameServer}' > /etc/resolv.conf`]),
    'status=0',
    `sh -eu ${stagingPath}/first-boot.sh || status=$?`,
    `echo '${firstBootMarker}'"$status"`,
    'exit "$status"',
  ].join('\n')}\n`
}

/** However it ends, the machine goes off in order. What wants it is the kernel's command line, not the system. */
export function renderFirstBootUnit(): string {
  return `[Unit]
Description=Configuration at first boot
After=multi-user.target network-online.target
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=oneshot
ExecStart=/bin/sh ${stagingPath}/run-first-boot.sh
TimeoutStartSec=infinity
`
}

/** After the machine, in the tree that came back from it: neither the unit stays, nor when timers fired in it. */
export function firstBootEndLines(read: ReadRecipe): string[] {
  return hasFirstBoot(read) ? [`rm -rf /etc/systemd/system/${firstBootUnit} /var/lib/systemd/timers`] : []
}
