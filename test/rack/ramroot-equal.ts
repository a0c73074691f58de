import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot } from '../../src/cli/rack/ramroot-machine.ts'
import { differencesOf, listRoot, type RootDifference, type RootListing } from '../../src/cli/rack/root-listing.ts'
import { prepareSeries } from '../../src/cli/rack/second-version.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import { runProgram } from '../../src/programs/run-program.ts'

const image = 'debian-exact'
const forms = ['squashfs', 'initrd'] as const

export const rackCase: RackCase = {
  name: 'ramroot-equal',
  describe:
    'one version on a disk, as squashfs and as initrd, listed on running machines: equal file by file, but for what is each machine’s own',
  set: 'long',
  longestMinutes: 60,
  prepare,
  run,
}

/** What a small Debian has none of: capabilities, ACLs, attributes, hard links, devices, times of all kinds, names that are no UTF-8. */
const nastyFiles = `
mkdir -p opt/nasty/shared && cd opt/nasty
for name in capable listed one setuid fraction old noted; do echo "$name" > "$name"; done
setcap cap_net_raw,cap_net_admin+ep capable
setfacl -m u:1000:r,g:50:rw listed
setfacl -d -m u:1000:rwx shared && setfacl -m g:50:rx shared
ln one two && ln one shared/three
chown 7:8 setuid && chmod 6751 setuid
setfattr -n trusted.note -v kept noted
mkfifo pipe && mknod null c 1 3 && mknod block b 7 200
ln -s /nowhere dangling && chown -h 9:10 dangling
touch "$(printf 'with\\nnewline')" "$(printf 'no utf-8 \\377')" ' blank '
touch -h -d @1400000000.25 dangling && touch -d @1500000000.123456789 fraction && touch -d @-86400 old
chmod 1731 shared && touch -d @1600000000 shared . ..
`

async function prepare(supplies: RackSupplies, log: (line: string) => void): Promise<void> {
  const { second } = await prepareSeries(supplies, image, appendNasty)
  for (const form of forms) await prepareRamRoot(supplies, `${image}@${second}`, form, log)
}

/** Needs root, for owners and devices. */
async function appendNasty(tar: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-nasty-'))
  try {
    await runProgram('sh', ['-ec', `cd "$1"\n${nastyFiles}`, 'sh', directory])
    const exact = ['--format=pax', '--xattrs', '--xattrs-include=*', '--numeric-owner']
    // A tar is appended to in its own format, and GNU's holds none of this.
    const nasty = join(directory, 'nasty.tar')
    await runProgram('tar', ['--create', `--file=${nasty}`, `--directory=${directory}`, ...exact, './opt/nasty'])
    await runProgram('tar', ['--concatenate', `--file=${tar}`, nasty])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function run(site: RackSite): Promise<CaseFigures> {
  const onDisk = await listDeployed(site)
  for (const form of forms) {
    const inMemory = await listInMemory(site, form)
    const found = differencesOf(onDisk, inMemory, { keepsFractions: form === 'initrd' })
    await writeFile(join(site.rack.directory, `${form}.differences`), JSON.stringify(found, undefined, 1))
    assert.deepEqual(
      found.filter((difference) => !isOwn(difference)),
      [],
    )
    const others = new Set(found.map(({ path }) => path)).size
    site.log(`${form}: ${inMemory.size} files are as on the disk, but for ${others} that are each machine's own`)
  }
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

async function listDeployed(site: RackSite): Promise<RootListing> {
  const machine = await site.addMachine({ name: 'equal-disk', firmware: 'bios' })
  const id = await site.deploy(machine, { image })
  await site.bootAgent(machine)
  await site.awaitState(id, 'proved')
  return list(site, machine)
}

async function listInMemory(site: RackSite, form: (typeof forms)[number]): Promise<RootListing> {
  const machine = await site.addMachine({ name: `equal-${form}`, firmware: 'bios', memoryMiB: 1536, disks: [] })
  assert.equal((await orderRamroot(site, machine, { rendition: form, image })).refused, undefined)
  const startedAt = Date.now()
  await machine.powerOn()
  await awaitRamrootUp(site, startedAt)
  return list(site, machine)
}

async function list(site: RackSite, machine: Awaited<ReturnType<RackSite['addMachine']>>): Promise<RootListing> {
  const listing = await listRoot(await site.logIn(machine, 10 * 60_000), site.supplies.credentials.password)
  await writeFile(join(site.rack.directory, `${machine.spec.name}.listing`), JSON.stringify([...listing], undefined, 1))
  await machine.powerOff()
  return listing
}

/** Whole: what a boot loader needs of a disk, and what each machine is given at its boot or its deployment. */
const given = [
  /^\.\/(boot|lost\+found)(\/|$)/,
  /^\.\/etc\/default\/grub\.d\/zz-bootwright\.cfg$/,
  /^\.\/etc\/(fstab|hostname|hosts|machine-id)$/,
  /^\.\/etc\/ssh\/ssh_host_\w+_key(\.pub)?$/,
  /^\.\/etc\/systemd\/network\/50-bootwright\.network$/,
  /^\.\/etc\/systemd\/system\/([\w-]+\.target\.wants\/)?bootwright-\w+\.service$/,
  // In memory networkd is enabled again, whatever it was, and what waits for it is, too: the call that it is up needs the network.
  /^\.\/etc\/systemd\/system\/(multi-user|network-online)\.target\.wants(\/systemd-networkd(-wait-online)?\.service)?$/,
  /^\.\/var\/lib\/bootwright(\/|$)/,
  // Of an initrd the kernel opens its console before anything is mounted: there is one whatever the version has.
  /^\.\/dev\/console$/,
]
/** Whole: what a system writes while it runs. */
const written = [
  /^\.\/(var\/)?tmp\//,
  /^\.\/var\/log\/(journal\/.+|btmp|lastlog|wtmp)$/,
  /^\.\/var\/lib\/(dbus\/machine-id|systemd\/(random-seed|linger|timers(\/.+)?))$/,
  /^\.\/etc\/\.pwd\.lock$/,
  /^\.\/home\/\w+\/\.sudo_as_admin_successful$/,
]
/** Only their times: directories in which something of that stands. */
const around =
  /^\.(\/(etc(\/(ssh|default\/grub\.d|systemd\/(network|system)))?|home\/\w+|(var\/)?tmp|var\/lib(\/(dbus|systemd))?|var\/log(\/journal)?))?$/

function isOwn({ path, what }: RootDifference): boolean {
  return [...given, ...written].some((own) => own.test(path)) || (what.startsWith('mtime') && around.test(path))
}
