import type { Mac } from '../bytes/mac.ts'
import type { ClassEntry, NamesEntry, SettingsEntry, SubnetEntry } from '../dhcp/site-file.ts'

/** A place in an old file; `line` counts from 1. */
export type Place = { file: string; line: number }

/** What of an old configuration was not taken over, and why. */
export type NotTaken = Place & { text: string; reason: string }

/** A machine as an old configuration knows it. */
export type ImportedHost = {
  /** As the file has it; made from the MAC where it has none. */
  name: string
  macs: readonly Mac[]
  /** Dotted. */
  address?: string
  group?: string
  settings: SettingsEntry
  place: Place
}

/** An old configuration in terms of a site file and machines. */
export type Imported = {
  /** Where it answers; empty where the file does not say. */
  interfaces: readonly string[]
  mode: 'authoritative' | 'proxy'
  settings: SettingsEntry
  subnets: readonly SubnetEntry[]
  groups: Readonly<Record<string, SettingsEntry>>
  classes: readonly ClassEntry[]
  hosts: readonly ImportedHost[]
  /** The directory its TFTP server serves. */
  files?: string
  /** DNS, where it did that. */
  names?: NamesEntry
  notTaken: readonly NotTaken[]
}

/** What an importer may look at beside the file itself. */
export type ImportContext = {
  /** A file the first one names. Throws what the file system throws. */
  read(path: string): string
  /** The names in a directory, sorted. Throws what the file system throws. */
  list(path: string): string[]
  /** Addresses of the interfaces here: `{ eth1: '10.0.0.1/24' }`. */
  interfaces: Readonly<Record<string, string>>
  /** The address clients knew the old server by, where the file leaves it out. */
  serverAddress?: string
}
