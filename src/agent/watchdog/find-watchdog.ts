import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A watchdog of the machine's hardware; `driver` is its kernel module. */
export type Watchdog = { device: string; driver: string }

/** Drivers that do not say which device theirs is, by what they call it. */
const unlinkedDrivers = new Map([['i6300ESB timer', 'i6300esb']])

/**
 * The machine's watchdogs, in the kernel's order. One that is made of software has no device beneath it; it ends with its
 * kernel and is left out.
 */
export function findWatchdogs(sysDirectory = '/sys'): Watchdog[] {
  const directory = join(sysDirectory, 'class/watchdog')
  return list(directory).flatMap((name) => {
    const module = realPath(join(directory, name, 'device/driver/module'))
    const driver = module === undefined ? unlinkedDrivers.get(identityOf(join(directory, name))) : basename(module)
    return driver === undefined ? [] : [{ device: `/dev/${name}`, driver }]
  })
}

/** What drivers do with a running watchdog when their kernel ends; the module's parameter as the ramdisk loads it. */
export function keepsWatchingOverRestart(sysDirectory = '/sys'): boolean {
  try {
    const file = join(sysDirectory, 'module/watchdog/parameters/stop_on_reboot')
    return readFileSync(file, 'utf8').trim() === '0'
  } catch {
    return false // the parameter is newer than the kernel, or no watchdog was found
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch {
    return [] // the kernel has no watchdogs at all
  }
}

function identityOf(directory: string): string {
  try {
    return readFileSync(join(directory, 'identity'), 'utf8').trim()
  } catch {
    return ''
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
