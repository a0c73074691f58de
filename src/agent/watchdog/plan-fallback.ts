import { readFileSync } from 'node:fs'
import type { Kernel } from '../boot-loader/choose-kernel.ts'
import { moduleNames } from '../boot-loader/disk-drivers.ts'
import type { InsideRoot } from '../inside-root.ts'
import { findWatchdogs, keepsWatchingOverRestart, type Watchdog } from './find-watchdog.ts'

/** What brings a machine back whose kernel, started by kexec, hangs. */
export type Fallback = { kind: 'watchdog'; watchdog: Watchdog } | { kind: 'none'; reason: string }

const unitPath = '/etc/systemd/system/bootwright-watchdog.service'
const wantedPath = '/etc/systemd/system/multi-user.target.wants/bootwright-watchdog.service'

/**
 * Prepares the deployed system for a start with the machine's watchdog running: its first boot loads the watchdog's driver,
 * which stops it, or keeps it content. A system that could not do that would be restarted in the middle of its work.
 */
export function planFallback(root: InsideRoot, kernel: Kernel, sysDirectory = '/sys'): Fallback {
  const watchdogs = findWatchdogs(sysDirectory)
  if (watchdogs.length === 0) return { kind: 'none', reason: 'the machine has no hardware watchdog that Linux knows' }
  if (!keepsWatchingOverRestart(sysDirectory)) {
    return { kind: 'none', reason: 'the drivers of watchdogs stop them when this kernel ends' }
  }
  const drivers = deployedDrivers(root, kernel)
  const watchdog = watchdogs.find(({ driver }) => drivers.has(driver))
  if (watchdog === undefined) {
    const names = watchdogs.map(({ driver }) => driver).join(', ')
    return { kind: 'none', reason: `the deployed kernel has no driver of this machine's watchdog (${names})` }
  }
  const systemd = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'].some((path) => root.isExecutable(path))
  if (!systemd) return { kind: 'none', reason: 'the image has no systemd that would take the watchdog over' }
  root.writeText(unitPath, takeOverUnit(watchdog.driver))
  root.link(wantedPath, unitPath)
  return { kind: 'watchdog', watchdog }
}

/** Names of the modules that the deployed kernel has, loaded or built in. */
function deployedDrivers(root: InsideRoot, { version }: Kernel): Set<string> {
  const read = (name: string) => {
    const files = ['/usr/lib/modules', '/lib/modules'].map((place) => root.realFile(`${place}/${version}/${name}`))
    const file = files.find((path) => path !== undefined)
    return file === undefined ? '' : readFileSync(file, 'utf8')
  }
  // modules.dep has what a module needs behind a colon
  return moduleNames(`${read('modules.dep').replace(/:.*$/gm, '')}\n${read('modules.builtin')}`)
}

/** By name, because Debian's kernels have their watchdogs' drivers on a list of those that are not loaded by themselves. */
function takeOverUnit(driver: string): string {
  return `# Written by Bootwright for the first start of this system; it removes itself.
[Unit]
Description=Take over the watchdog that was left running over the start of this system

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'modprobe ${driver}; rm -f ${wantedPath} ${unitPath}'

[Install]
WantedBy=multi-user.target
`
}
