import { existsSync, readdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExistingPartition, PartitionTable } from '../../core/partition-table.ts'

const espTypes = new Set(['C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'EF'])
/** Bytes of the first sector that are code (BIOS): what follows is the disk's signature and partition table. */
const bootCodeBytes = 440
const suffixes: Record<string, string> = { x64: 'x64.efi', arm64: 'aa64.efi' }

export function findEsp({ partitions }: PartitionTable): ExistingPartition | undefined {
  return partitions.find(({ type }) => espTypes.has(type))
}

/**
 * The loader that an image brought on its mounted EFI system partition, as a boot entry names it (`\EFI\debian\shimx64.efi`):
 * a distribution's, shim before GRUB, then Windows', systemd's, and the fallback. FAT does not care for case.
 */
export function findOwnLoader(espDirectory: string, architecture: string): string | undefined {
  const suffix = suffixes[architecture] ?? 'x64.efi'
  const efi = childOf(espDirectory, 'EFI')
  if (efi === undefined) return undefined
  const vendors = readdirSync(join(espDirectory, efi)).filter((name) => !/^boot$/i.test(name))
  const wanted = [
    ...[`shim${suffix}`, `grub${suffix}`, `systemd-boot${suffix}`].flatMap((file) =>
      vendors.map((v) => [efi, v, file]),
    ),
    [efi, 'Microsoft', 'Boot', 'bootmgfw.efi'],
    [efi, 'BOOT', `boot${suffix}`],
  ]
  for (const path of wanted) {
    const found = resolveAnyCase(espDirectory, path)
    if (found !== undefined) return `\\${found.join('\\')}`
  }
  return undefined
}

function resolveAnyCase(directory: string, path: readonly string[]): string[] | undefined {
  const found: string[] = []
  for (const name of path) {
    const child = childOf(join(directory, ...found), name)
    if (child === undefined) return undefined
    found.push(child)
  }
  return found
}

function childOf(directory: string, name: string): string | undefined {
  if (!existsSync(directory)) return undefined
  try {
    return readdirSync(directory).find((child) => child.toLowerCase() === name.toLowerCase())
  } catch {
    return undefined // a file stands where a directory should
  }
}

/** Whether the first sector has code that a BIOS would run. */
export async function hasBiosLoader(device: string): Promise<boolean> {
  await using handle = await open(device, 'r')
  const { buffer } = await handle.read(Buffer.alloc(512), 0, 512, 0)
  return buffer.readUInt16LE(510) === 0xaa55 && buffer.subarray(0, bootCodeBytes).some((byte) => byte !== 0)
}
