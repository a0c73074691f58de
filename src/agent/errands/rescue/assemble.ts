import { existsSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Disk } from '../../../core/inventory.ts'
import type { AssembledDisks } from '../../../core/rescue.ts'
import { runProgram } from '../../../programs/run-program.ts'
import { arraysOf, lockedOf, mountableOf, readBlockDevices } from './block-devices.ts'

/** A disk that hardly answers must not keep a person out for long. */
const programTimeoutMs = 120_000
const readOnlyArrays = '/sys/module/md_mod/parameters/start_ro'

/**
 * Puts together what is made of several disks: one device for a disk of many paths, RAID arrays, LVM's volumes. Arrays do
 * not synchronise before somebody writes to them, and nothing is mounted. `onTrouble` hears what could not be done: a broken
 * array is what people come for.
 */
export async function assembleDisks(
  disks: readonly Pick<Disk, 'device' | 'paths' | 'sizeBytes'>[],
  onTrouble: (sentence: string) => void,
): Promise<AssembledDisks> {
  const attempt: Attempt = async (program, args, expected) => {
    try {
      return await runProgram(program, args, { timeoutMs: programTimeoutMs })
    } catch (error) {
      if (!expected?.test((error as Error).message)) onTrouble((error as Error).message)
      return ''
    }
  }
  const multipath: string[] = []
  for (const disk of disks) if (disk.paths) multipath.push(await joinPaths(disk, disk.paths, attempt))
  await assembleArrays(attempt)
  await attempt('vgchange', ['--activate', 'y', '--quiet'])
  await attempt('btrfs', ['device', 'scan'])
  const groups = await attempt('vgs', ['--noheadings', '--options', 'vg_name'])
  const devices = await readBlockDevices(onTrouble)
  return {
    arrays: arraysOf(devices),
    volumeGroups: groups
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean),
    multipath: multipath.filter(Boolean),
    locked: lockedOf(devices),
    mountable: mountableOf(devices),
  }
}

/** Gives what the program said, or '' after telling its failure, unless that matches `expected`. */
type Attempt = (program: string, args: readonly string[], expected?: RegExp) => Promise<string>

async function assembleArrays(attempt: Attempt): Promise<void> {
  const found = await attempt('mdadm', ['--examine', '--scan'])
  if (found.trim() === '') return
  await attempt('modprobe', ['--quiet', 'md_mod'])
  if (existsSync(readOnlyArrays)) writeFileSync(readOnlyArrays, '1')
  await attempt('mdadm', ['--assemble', '--scan', '--run'], /No arrays found/)
}

/**
 * One device-mapper device over all paths: what is read from it comes by whichever path works. LVM knows by the name's
 * beginning (DM_UUID `mpath-`) that the paths are not disks of their own. Gives its path, or '' where it could not be made.
 */
async function joinPaths(
  { device, sizeBytes }: Pick<Disk, 'device' | 'sizeBytes'>,
  paths: readonly string[],
  attempt: Attempt,
): Promise<string> {
  const name = `mpath-${basename(device)}`
  const path = `/dev/mapper/${name}`
  if (existsSync(path)) return path
  // The kernel made partitions of every path: those of the one device take their place.
  for (const one of paths) await attempt('partx', ['--delete', one], /./)
  const group = `round-robin 0 ${paths.length} 1 ${paths.map((one) => `${one} 1`).join(' ')}`
  const table = `0 ${sizeBytes / 512} multipath 0 0 1 1 ${group}`
  await attempt('dmsetup', ['create', name, '--uuid', name, '--table', table])
  if (!existsSync(path)) return ''
  await attempt('kpartx', ['-a', path])
  return path
}
