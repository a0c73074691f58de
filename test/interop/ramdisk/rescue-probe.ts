/* Stands in for the agent: makes disks that are made of disks, forgets them, and does what a rescue does. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { assembleDisks } from '../../../src/agent/errands/rescue/assemble.ts'
import { prepareSsh, startSshServer } from '../../../src/agent/errands/rescue/ssh-server.ts'
import { readDisks } from '../../../src/agent/inventory/read-disks.ts'
import { rescueTools } from '../../../src/ramdisk/rescue-tool-list.ts'

const run = (program: string, args: readonly string[], input?: string): string =>
  execFileSync(program, args, { encoding: 'utf8', timeout: 120_000, input, stdio: ['pipe', 'pipe', 'pipe'] })

const fast = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--batch-mode', '--key-file', '-']

function makeDisks(): void {
  run('mdadm', [
    '--create',
    '/dev/md0',
    '--level=1',
    '--raid-devices=2',
    '--metadata=1.2',
    '--run',
    '/dev/vda',
    '/dev/vdb',
  ])
  run('vgcreate', ['things', '/dev/md0'])
  run('lvcreate', ['--yes', '--size', '32M', '--name', 'papers', 'things'])
  run('mkfs.ext4', ['-q', '-L', 'papers', '/dev/things/papers'])
  run('mount', ['/dev/things/papers', '/mnt'])
  writeFileSync('/mnt/letter', 'nothing is lost\n')
  run('umount', ['/mnt'])
  run('sfdisk', ['-q', '/dev/sda'], 'label: gpt\nsize=64MiB\n')
  run('mkfs.ext4', ['-q', '-L', 'twice', '/dev/sda1'])
  run('cryptsetup', ['luksFormat', ...fast, '/dev/vdc'], 'secret')
  run('vgchange', ['--activate', 'n', 'things'])
  run('mdadm', ['--stop', '/dev/md0'])
}

/** Whether the program and all its libraries load: any answer will do, but for the loader's own complaint. */
function loads(name: string): boolean {
  try {
    run(name, ['--version'], '')
    return true
  } catch (error) {
    const { status, stderr } = error as { status?: number | null; stderr?: string }
    return typeof status === 'number' && status !== 127 && !/shared libraries|symbol lookup/.test(stderr ?? '')
  }
}

const broken = Object.values(rescueTools)
  .flat()
  .filter((name) => !loads(name))
makeDisks()
const troubles: string[] = []
const disks = await assembleDisks(readDisks('/sys'), (sentence) => troubles.push(sentence))
const arrayState = readFileSync(`/sys/block/${disks.arrays[0]?.replace('/dev/', '')}/md/array_state`, 'utf8').trim()
const mounted = run('mount-all', [])
const letter = readFileSync('/mnt/things-papers/letter', 'utf8')
const stateAfterwards = readFileSync(
  `/sys/block/${disks.arrays[0]?.replace('/dev/', '')}/md/array_state`,
  'utf8',
).trim()
run('cryptsetup', ['open', '--key-file', '-', '/dev/vdc', 'opened'], 'secret')
const cipher = /cipher:\s+(\S+)/.exec(run('cryptsetup', ['status', 'opened']))?.[1]
const key = /probe\.key=(\S+)/.exec(readFileSync('/proc/cmdline', 'utf8'))?.[1]
const host = await prepareSsh([`ssh-ed25519 ${key}`])
await startSshServer()
const found = { broken, disks, troubles, arrayState, stateAfterwards, mounted, letter, cipher, ...host }
console.log(`REPORT ${JSON.stringify(found)}`)
setInterval(() => {}, 60_000)
