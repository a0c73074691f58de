import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { type DiskEntry, hashRange, makeRawDisk, readEntries } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { runProgram } from '../../src/programs/run-program.ts'

const mib = 2 ** 20
/** Of the disk: an ESP, somebody's data, and an ext4 that is another system's root. */
const espMib = { start: 1, size: 100 }
const foreignMib = [
  { start: 101, size: 64 },
  { start: 165, size: 128 },
]
/** What another Debian has on the ESP. */
const foreignLoaders = ['EFI/BOOT/BOOTX64.EFI', 'EFI/debian/grubx64.efi']

export const rackCase: RackCase = {
  name: 'deploy-unpartitioned',
  describe: 'a root in free space: the systems, partitions and loaders that were there stay as they are (UEFI)',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'shared.raw')
  await makeSharedDisk(site.rack.directory, path)
  const entries = await readEntries(path)
  const before = await foreignHashes(path)
  const disks = [{ path, format: 'raw' as const, serial: 'BESIDE' }]
  const machine = await site.addMachine({ name: 'beside-1', firmware: 'uefi', disks })
  const id = await site.deploy(machine, { layout: 'unpartitioned' })
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, 'beside-1')
  assert.match(await shell.run('findmnt -no SOURCE /'), /vda3/, 'the free number is used')
  await machine.powerOff()

  const after = await readEntries(path)
  const added = after.filter(({ uuid }) => !entries.some((entry) => entry.uuid === uuid))
  assert.deepEqual(
    added.map(({ name }) => name),
    ['bootwright-root'],
  )
  assert.deepEqual(withoutAdded(after, added), entries, 'every entry has its number, place, type, GUID and name')
  assert.deepEqual(await foreignHashes(path), before, 'partitions and loaders of others have the bytes they had')
  return caseFigures(deployment, secondsToAgent)
}

const withoutAdded = (entries: DiskEntry[], added: DiskEntry[]) => entries.filter((entry) => !added.includes(entry))

async function makeSharedDisk(directory: string, path: string): Promise<void> {
  await makeRawDisk(path, 4 * 1024 ** 3)
  const line = (number: number, { start, size }: { start: number; size: number }, type: string, name: string) =>
    `${number} : start=${start * 2048}, size=${size * 2048}, type=${type}, name="${name}"`
  const script = [
    'label: gpt',
    line(1, espMib, 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'EFI System'),
    line(2, foreignMib[0]!, 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7', 'Basic data partition'),
    line(5, foreignMib[1]!, '0FC63DAF-8483-4772-8E79-3D69D8477DE4', 'other Debian'),
  ]
  await runProgram('sfdisk', ['--quiet', path], { input: `${script.join('\n')}\n` })
  const esp = join(directory, 'esp.img')
  await makeRawDisk(esp, espMib.size * mib)
  await runProgram('mkfs.fat', ['-F', '32', '-n', 'SYSTEM', esp])
  const loader = join(directory, 'other-loader.efi')
  await writeFile(loader, randomBytes(200_000))
  for (const folder of ['EFI', 'EFI/BOOT', 'EFI/debian']) await runProgram('mmd', ['-i', esp, `::${folder}`])
  for (const file of foreignLoaders) await runProgram('mcopy', ['-i', esp, loader, `::${file}`])
  await using disk = await open(path, 'r+')
  await disk.write(await readFile(esp), 0, espMib.size * mib, espMib.start * mib)
  for (const { start, size } of foreignMib) {
    const data = randomBytes(mib)
    for (let at = 0; at < size; at++) await disk.write(data, 0, mib, (start + at) * mib)
  }
  const offset = `offset=${foreignMib[1]!.start * mib}`
  await runProgram('mkfs.ext4', ['-q', '-F', '-L', 'other', '-E', offset, path, `${foreignMib[1]!.size}M`])
}

async function foreignHashes(path: string): Promise<string[]> {
  const partitions = await Promise.all(foreignMib.map(({ start, size }) => hashRange(path, start, size)))
  const loaders = foreignLoaders.map((file) =>
    runProgram('sh', ['-c', 'mtype -i "$1" "$2" | sha256sum', 'sh', `${path}@@1M`, `::${file}`]),
  )
  return [...partitions, ...(await Promise.all(loaders))]
}
