import type { RootFilesystem } from '../disk/filesystems.ts'

/**
 * The deployed system's kernel arguments: the image's own first, then the order's. Where neither names a console, the
 * consoles the agent itself was given are passed on, so that a machine on a serial line stays reachable there.
 */
export function deployedArguments(
  imageDefaults: string | undefined,
  orderArguments: readonly string[],
  agentConsoles: readonly string[],
): string[] {
  const own = [
    ...grubDefault(imageDefaults, 'GRUB_CMDLINE_LINUX'),
    ...grubDefault(imageDefaults, 'GRUB_CMDLINE_LINUX_DEFAULT'),
  ]
  const words = [...own, ...orderArguments]
  const hasConsole = words.some((word) => word.startsWith('console='))
  const consoles = hasConsole ? [] : agentConsoles.map((console) => `console=${console}`)
  return [...new Set([...words, ...consoles])]
}

/** What the kernel mounts as `/`; without an initramfs it knows partitions only, not filesystems. */
export function rootArguments(
  root: Pick<RootFilesystem, 'uuid' | 'partitionGuid' | 'subvolume'>,
  hasInitrd: boolean,
): string[] {
  const place = hasInitrd ? `UUID=${root.uuid}` : `PARTUUID=${root.partitionGuid.toLowerCase()}`
  const flags = root.subvolume === undefined ? [] : [`rootflags=subvol=${root.subvolume}`]
  return [`root=${place}`, 'ro', ...flags]
}

/**
 * The arguments for a kernel that is started without the firmware: one that panics, or whose initramfs does not find its
 * root, restarts the machine by the firmware, which is the other way to the same disk. `panic` is for the kernel and for
 * initramfs-tools, `rd.` for dracut. The driver of a running watchdog would stop it as soon as udev loads it; it waits until
 * the system is up (watchdog/plan-fallback.ts). They stand for this one boot, not in the boot menu.
 */
export function withFirmwareFallback(words: readonly string[], watchdogDriver?: string): string[] {
  const has = (name: string) => words.some((word) => word.startsWith(`${name}=`))
  return [
    ...words,
    ...(has('panic') ? [] : ['panic=30']),
    ...(has('rd.shell') || has('rd.emergency') ? [] : ['rd.shell=0', 'rd.emergency=reboot']),
    ...(watchdogDriver === undefined ? [] : [`modprobe.blacklist=${watchdogDriver}`]),
  ]
}

/** The words of the last `NAME="…"` in /etc/default/grub; a value that the shell would expand is left out. */
function grubDefault(text: string | undefined, name: string): string[] {
  const assignments = (text ?? '').matchAll(
    new RegExp(`^\\s*${name}=(?:"([^"]*)"|'([^']*)'|(\\S*))\\s*(?:#.*)?$`, 'gm'),
  )
  const last = [...assignments].at(-1)
  const value = last?.[1] ?? last?.[2] ?? last?.[3] ?? ''
  return /[$`\\]/.test(value) ? [] : value.split(/\s+/).filter((word) => word !== '')
}
