import { homedir } from 'node:os'
import { join } from 'node:path'
import { Option } from 'commander'

/** Where the service keeps its state: /var/lib/bootwright for root, the XDG state directory for others. */
export function defaultDataDirectory(): string {
  if (process.env.BOOTWRIGHT_DATA) return process.env.BOOTWRIGHT_DATA
  if (process.getuid?.() === 0) return '/var/lib/bootwright'
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'bootwright')
}

export function dataOption(): Option {
  return new Option('--data <directory>', 'data directory of the service (also BOOTWRIGHT_DATA)').default(
    defaultDataDirectory(),
  )
}

export function jsonOption(): Option {
  return new Option('--json', 'print JSON instead of text')
}

/** The unix socket on which the service takes local commands. */
export function socketPathOf(dataDirectory: string): string {
  return join(dataDirectory, 'bootwright.sock')
}
