import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Mac } from '../../bytes/mac.ts'
import type { NetworkInterface } from '../../core/inventory.ts'
import { readAttribute, readNumber } from './attribute.ts'

/** How the agent knows the interface it was booted from: BOOTIF, or the name /init brought up without it. */
export type BootInterface = { mac: Mac | undefined; name: string | undefined }

/** The network cards under `sysRoot` (/sys): Ethernet with hardware behind it, sorted by name. */
export function readInterfaces(sysRoot: string, boot: BootInterface): NetworkInterface[] {
  const names = readdirSync(join(sysRoot, 'class/net')).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const interfaces: NetworkInterface[] = []
  for (const name of names) {
    const found = readInterface(join(sysRoot, 'class/net', name), name, boot)
    if (found !== undefined) interfaces.push(found)
  }
  return interfaces
}

function readInterface(directory: string, name: string, boot: BootInterface): NetworkInterface | undefined {
  const ethernet = readNumber(join(directory, 'type')) === 1
  const mac = readAttribute(join(directory, 'address'))?.toLowerCase()
  if (!ethernet || mac === undefined || !existsSync(join(directory, 'device'))) return undefined
  const found: NetworkInterface = {
    name,
    mac,
    linkUp: readNumber(join(directory, 'carrier')) === 1,
    bootedFrom: boot.mac === undefined ? name === boot.name : mac === boot.mac,
  }
  const driver = linkName(join(directory, 'device/driver'))
  if (driver !== undefined) found.driver = driver
  // -1 and an unreadable file both mean that no link tells its speed.
  const speedMbps = readNumber(join(directory, 'speed'))
  if (speedMbps !== undefined && speedMbps > 0) found.speedMbps = speedMbps
  return found
}

function linkName(link: string): string | undefined {
  try {
    return basename(realpathSync(link))
  } catch {
    return undefined
  }
}
