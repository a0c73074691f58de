import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRendition } from '../../src/cli/rack/make-rendition.ts'
import { makeRawDisk, readEntries } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { runProgram } from '../../src/programs/run-program.ts'

const mib = 2 ** 20
const rootMib = { start: 102, size: 3900 }
const password = 'bootwright'

export const rackCase: RackCase = {
  name: 'deploy-receive',
  describe: 'a version is received into a btrfs that has data already, which stays as it is (BIOS)',
  set: 'long',
  prepare: (supplies, log) => makeRendition(supplies, supplies.image, { name: 'btrfs' }, log),
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'used.raw')
  const expected = await makeUsedDisk(site.rack.directory, path)
  const entries = await readEntries(path)
  const disks = [{ path, format: 'raw' as const, serial: 'USED' }]
  const machine = await site.addMachine({ name: 'receive-1', firmware: 'bios', disks })
  const id = await site.deploy(machine, { layout: 'receive' })
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  assert.equal(deployment.rendition, 'btrfs')
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, 'receive-1')
  const sudo = (command: string) => shell.run(`echo ${password} | sudo -S -p '' ${command}`)
  await sudo('mount -o subvolid=5 /dev/vda3 /mnt')
  const found = await sudo("sh -c 'cd /mnt && find . -path ./bootwright -prune -o -type f -exec sha256sum {} +'")
  assert.deepEqual(sorted(found), sorted(expected), 'what was there has the bytes it had')
  await machine.powerOff()
  assert.deepEqual(await readEntries(path), entries, 'the partition table is as it was')
  return caseFigures(deployment, secondsToAgent)
}

const sorted = (lines: string) => lines.trim().split('\n').sort()

/** A disk with somebody's files on a btrfs; gives their sums. */
async function makeUsedDisk(directory: string, path: string): Promise<string> {
  await makeRawDisk(path, 4 * 1024 ** 3)
  const line = (number: number, start: number, size: number, type: string) =>
    `${number} : start=${start * 2048}, size=${size * 2048}, type=${type}`
  const script = [
    'label: gpt',
    line(1, 1, 1, '21686148-6449-6E6F-744E-656564454649'),
    line(2, 2, 100, 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'),
    line(3, rootMib.start, rootMib.size, '0FC63DAF-8483-4772-8E79-3D69D8477DE4'),
  ]
  await runProgram('sfdisk', ['--quiet', path], { input: `${script.join('\n')}\n` })
  await runProgram('mkfs.fat', ['-F', '32', '--offset', '4096', path, String(100 * 1024)])
  const files = join(directory, 'files')
  await mkdir(join(files, 'photos/deep'), { recursive: true })
  await writeFile(join(files, 'letter'), 'dear reader\n')
  await writeFile(join(files, 'photos/deep/one'), randomBytes(20 * mib))
  const sums = await runProgram('sh', ['-c', 'find . -type f -exec sha256sum {} +'], { directory: files })
  const filesystem = join(directory, 'filesystem')
  await makeRawDisk(filesystem, rootMib.size * mib)
  await runProgram('mkfs.btrfs', ['-q', '--rootdir', files, filesystem])
  await placeAt(filesystem, path, rootMib.start * mib)
  await rm(filesystem)
  return sums
}

/** Leaves holes where there are zeros. */
async function placeAt(source: string, target: string, offset: number): Promise<void> {
  await using from = await open(source, 'r')
  await using to = await open(target, 'r+')
  const block = Buffer.alloc(mib)
  for (let at = 0; ; at += mib) {
    const { bytesRead } = await from.read(block, 0, mib, at)
    if (bytesRead === 0) return
    const part = block.subarray(0, bytesRead)
    if (part.some((byte) => byte !== 0)) await to.write(part, 0, bytesRead, offset + at)
  }
}
