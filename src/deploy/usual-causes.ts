import type { WorkStep } from '../core/agent-protocol.ts'
import type { Deployment } from '../core/deployment.ts'
import type { Errand } from '../core/errand.ts'
import type { Sight, SightKind } from './last-sight.ts'

/*
 * What usually is behind a machine's silence, by the state of its work and by what it was last seen doing. Each is
 * the rest of "usually means …". `never`: nothing of it was seen since the work came into the state.
 */

type Causes = Record<SightKind | 'never', string>

const intoDisk = 'that it went on to its disk: the network is not the first in its boot order'
const noDhcpAnswer =
  'that its firmware did not take the answer, or not the boot file: another DHCP server answers too, or TFTP is filtered on the way'
const noScript =
  'that its loader found no driver for the network card, that its switch port was not forwarding yet (spanning tree), or that HTTP is filtered'

const queued: Causes = {
  never: 'that it is off, boots its disk first, or is plugged into another network',
  dhcp: noDhcpAnswer,
  tftp: noScript,
  script: 'that its script was refused, as that line says',
  disk: 'that it was not restarted since',
  system: 'that its installed system runs on and nobody restarted it',
  agent: 'that its agent does not take orders any more: restart it',
}

const booting: Causes = {
  never: 'that it lost its power',
  dhcp: 'that the kernel or the ramdisk does not start, for want of memory or by a panic, and the firmware began again',
  tftp: 'that the kernel or the ramdisk does not start, for want of memory or by a panic, and the firmware began again',
  script:
    'that the kernel found no driver for the network card, that its link needs longer (spanning tree, LACP), or that kernel and ramdisk did not come over whole',
  disk: intoDisk,
  system: 'that its ramdisk has an address and does not reach the server: HTTP is filtered, or the agent stopped',
  agent: 'that reading one of its disks hangs, or that it lost power or network',
}

const kernel: Causes = {
  ...booting,
  script: 'that the kernel, or what it runs, has stopped',
  disk: intoDisk,
  system: 'that its system is up, and what should fetch the URL was not run, or does not reach the server',
}

/** By the step in which its agent fell silent. */
const silentIn: Record<WorkStep, string> = {
  boot: 'that it lost power or network before it had begun',
  'select-disk': 'that a disk does not answer any more, or that it lost power or network',
  'before-partition': 'that a hook restarted the machine or took its network away, or that it lost power',
  partition: 'that the disk hangs on a discard or a new table, or that it lost power or network',
  'make-filesystems': 'that the disk hangs, or that it lost power or network',
  write: 'that it lost power or network, or that the disk hangs',
  verify: 'that it lost power or network, or that the disk hangs',
  grow: 'that growing the filesystem takes too long on a slow disk, or that it lost power or network',
  identity: 'that it lost power or network',
  files: 'that it lost power or network, or that the disk hangs',
  'after-write': 'that a hook restarted the machine or took its network away, or that it lost power',
  'boot-loader': "that one of the image's own programs hangs (grub-install, update-initramfs), or that it lost power",
  flush: 'that the disk writes very slowly or hangs, or that it lost its power',
  'hand-over': 'that its restart hangs',
  'first-boot': 'that the deployed system lost power or network',
  'select-disks': 'that a disk does not answer any more, or that it lost power or network',
  'plant-canaries': 'that a disk hangs, or that it lost power or network',
  erase: 'that it lost power or network (a drive that erases itself goes on with that when it has power again)',
  'fetch-script': 'that it lost power or network',
  'run-script': 'that the script restarted the machine or took its network away, or that it lost power',
  assemble: 'that one of its disks hangs, or that it lost power or network',
  ssh: 'that it lost power or network',
  'boot-kernel': 'that the kernel, or what it runs, has stopped',
}

const restarted = 'that it restarts by itself (power, memory, a hardware watchdog), and then does not come to its agent'

const left: Causes = {
  never:
    'that its restart hangs, that it is off, or that it starts its disk without asking the network and the system has none',
  dhcp: noDhcpAnswer,
  tftp: noScript,
  script: 'that its script was refused, as that line says',
  disk: 'that loader or kernel of its disk do not start, or that the deployed system has no network',
  system:
    'that the deployed system is up and its callback does not reach the server (a firewall), or that its image has no systemd',
  agent: 'that its restart hangs, or that the deployed system has no network',
}

/** The rest of "usually means …". */
export function usualCause(
  { state, step = 'boot' }: { state: Deployment['state'] | Errand['state']; step?: WorkStep },
  sight: Sight | undefined,
): string {
  const kind = sight?.kind ?? 'never'
  switch (state) {
    case 'queued':
      return queued[kind]
    case 'booting':
      return (step === 'boot-kernel' ? kernel : booting)[kind]
    case 'written':
    case 'handed-over':
      return left[kind]
    default:
      return kind === 'agent' || kind === 'never' ? silentIn[step] : restarted
  }
}
