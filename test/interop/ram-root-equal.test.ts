import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { VersionServer } from '../../src/agent/version-server.fixture.ts'
import { writeTree } from '../../src/agent/write-tree.ts'
import { membersOf } from '../../src/image/group-members.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { ImportSession } from '../../src/image/import-session.ts'
import { makeNastyTree } from '../../src/image/nasty-tree.fixture.ts'
import { StoredChunks } from '../../src/image/renditions/stored-chunks.ts'
import { TreeContents } from '../../src/image/renditions/tree-contents.ts'
import { readTree } from '../../src/image/repository.ts'
import { parseKernelConfig, rulesOf } from '../../src/ramroot/form-rules.ts'
import { packRoot } from '../../src/ramroot/pack-root.ts'
import { makeSidecar } from '../../src/ramroot/sidecar.ts'
import { differences } from './image/compare-trees.ts'
import { ImageSetting } from './image/image-setting.ts'
import { needs } from './image/needs.ts'

const config = parseKernelConfig('CONFIG_SQUASHFS_XZ=y\n')
const kernel = {
  release: '6.12.1',
  image: undefined as never,
  modulesDirectory: 'lib/modules/6',
  architecture: 'x64',
} as const
const rootScript = join(import.meta.dirname, '../../src/ramdisk/ram-root/root.sh')

test('a version on a disk and in memory are equal file by file, capabilities and ACLs included, but for fractions of seconds', async (t) => {
  const programs = ['tar2sqfs', 'busybox', 'setfattr', 'setcap', 'setfacl']
  if (needs(t, { root: true, programs })) return
  const setting = await ImageSetting.open(t)
  const source = setting.mountNew('source', 'ext4')
  setting.run('rm -rf source/lost+found')
  makeNastyTree(source, 11)
  setting.run('chown 3:4 source && chmod 2751 source && setfacl -m u:1000:rx source && touch -d @1500000000.5 source')
  for (const refused of ['sparse/terabyte', 'special/socket']) rmSync(join(source, refused))
  setting.run('setfattr -x trusted.overlay.opaque source/metadata/xattrs')
  const version = await importDirectory(setting.repository, source, setting.options)

  const disk = setting.mountNew('disk', 'ext4')
  setting.run('rm -rf disk/lost+found')
  const server = await new VersionServer(setting.repository.directory).start()
  setting.defer(() => void server.stop())
  const imagePublicKey = setting.key.publicKey
  await writeTree({
    baseUrl: server.baseUrl,
    image: 'test',
    version: version.id,
    imagePublicKey,
    targetDirectory: disk,
  })

  await using session = await ImportSession.begin(setting.repository)
  await using stored = new StoredChunks(setting.repository, session.index)
  const contents = new TreeContents(await readTree(setting.repository, version.id), stored)
  const rules = rulesOf('squashfs', kernel, config)
  const members = [...membersOf(contents.tree.entries)]
  assert.deepEqual(
    members.flatMap((member) => rules.refusal(member) ?? []),
    [],
  )
  mkdirSync(setting.path('packed'))
  const aside = setting.path('packed')
  const name = await packRoot({
    contents,
    kernel,
    config,
    rules,
    members,
    form: 'squashfs',
    aside,
    session,
    options: {},
  })
  const memory = mountInMemory(setting, `${aside}/${name}`)
  restore(setting, memory, makeSidecar(members, rules))

  const found = differences(disk, memory, { hasLinksOfFilesOnly: false })
  const withoutFractions = found
    .map((text) => text.replace(/mtimeNs is (-?\d+)\d{9}, not \1\d{9}/, '').trim())
    .filter((text) => !text.endsWith(':') && !/takes \d+ blocks/.test(text))
  assert.deepEqual(withoutFractions, [])
})

/** As mount_root of the early system does it. */
function mountInMemory(setting: ImageSetting, file: string): string {
  setting.run('mkdir lower ram memory')
  setting.mount(`-t squashfs -o loop,ro ${file} lower`, 'lower')
  setting.mount('-t tmpfs -o mode=0755 ram ram', 'ram')
  setting.run(`mkdir ram/upper ram/work && busybox sh -c '. ${rootScript}; own_like lower ram/upper'`)
  setting.mount('-t overlay -o lowerdir=lower,upperdir=ram/upper,workdir=ram/work overlay memory', 'memory')
  return setting.path('memory')
}

/** By the early system's own function, with this machine's programs. */
function restore(setting: ImageSetting, memory: string, { attributes, times }: ReturnType<typeof makeSidecar>): void {
  const early = setting.path('early')
  mkdirSync(join(early, 'bin'), { recursive: true })
  for (const program of ['touch', 'setfattr']) symlinkSync(`/usr/bin/${program}`, join(early, 'bin', program))
  writeFileSync(join(early, 'attributes'), attributes)
  writeFileSync(join(early, 'times'), times)
  const script = `fail() { echo "FAILED: $*" >&2; exit 1; }; early=${early}; . ${rootScript}; root=${memory}; restore_sidecar`
  setting.run(`busybox sh -c '${script}'`)
}
