import { closeSync, openSync, writeSync } from 'node:fs'
import { setWatchdogTimeout } from '../../linux/watchdog.ts'
import type { Watchdog } from './find-watchdog.ts'

/** Long enough for a slow machine's start; drivers that cannot count as far get the next. */
const deadlinesSeconds = [300, 240, 120]

/** The watchdog counts no further than a start may take. */
export class WatchdogUnusable extends Error {
  override readonly name = 'WatchdogUnusable'
}

/**
 * Starts the watchdog and leaves it alone: from now on the machine is restarted by its hardware, over the end of this
 * kernel, unless another one stops it. Gives the seconds it has. Throws WatchdogUnusable, or what opening it did.
 */
export function armWatchdog({ device, driver }: Watchdog): number {
  const fd = openSync(device, 'w') // never closed: that would be the end of it with some drivers
  for (const wanted of deadlinesSeconds) {
    const seconds = setWatchdogTimeout(fd, wanted)
    if (seconds !== undefined) return seconds
  }
  writeSync(fd, 'V') // what stops it (linux/watchdog.h: the magic close)
  closeSync(fd)
  throw new WatchdogUnusable(`The watchdog ${driver} cannot count to ${deadlinesSeconds.at(-1)} s`)
}
