import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { test } from 'node:test'
import { VersionServer } from '../../src/agent/version-server.fixture.ts'
import { writeTree } from '../../src/agent/write-tree.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { importTar } from '../../src/image/import-tar.ts'
import { seededRandom } from '../../src/image/nasty-tree.fixture.ts'
import { writePathTimes } from '../../src/linux/file-times.ts'
import { differences } from './image/compare-trees.ts'
import { ImageSetting } from './image/image-setting.ts'
import { needs } from './image/needs.ts'
import { RandomTree } from './image/random-tree.ts'

/*
 * The property: whatever tree stands on ext4, btrfs or XFS, it is the same on each of them after an import and a deploy,
 * whether it was imported as a directory or as a tar. NASTY_TREES=20 makes that many trees of each, from NASTY_SEED on.
 */

const filesystems = ['ext4', 'btrfs', 'xfs'] as const
const trees = Number(process.env.NASTY_TREES ?? 1)
const firstSeed = Number(process.env.NASTY_SEED ?? 100)
const entriesInTree = 220

/** As far as tar can: of special files, attributes and ACLs too. */
const tarOptions = "--format=pax --sparse --xattrs --xattrs-include='*'"

for (const [at, filesystem] of filesystems.entries()) {
  for (let seed = firstSeed + at; seed < firstSeed + trees * 3; seed += 3) {
    test(`a tree on ${filesystem} is the same on every filesystem after import and deploy (seed ${seed})`, async (t) => {
      if (needs(t, { root: true, programs: ['rsync', 'setcap', 'setfacl', 'mkfs.xfs', 'mkfs.btrfs'] })) return
      const setting = await ImageSetting.open(t)
      const source = setting.mountNew('source', filesystem)
      setting.run('rm -rf source/lost+found')
      const tree = new RandomTree(source, seededRandom(seed))
      tree.fill(entriesInTree)
      const version = await importDirectory(setting.repository, source, setting.options)
      const told = setting.notices.filter(({ reason }) => reason.startsWith('a socket'))
      assert.equal(told.length, tree.sockets.length)
      removeSockets(tree)
      setting.run(`tar -C source ${tarOptions} -cf tree.tar .`)
      const fromTar = await importTar(setting.repository, setting.path('tree.tar'), setting.options)
      assert.ok(version.entries > entriesInTree * 0.8)
      const server = await new VersionServer(setting.repository.directory).start()
      setting.defer(() => void server.stop())
      for (const target of filesystems) {
        for (const [form, { id }] of [
          ['directory', version],
          ['tar', fromTar],
        ] as const) {
          if (form === 'tar' && id === version.id) continue // the same tree, which is seen already
          const targetDirectory = setting.mountNew(`${target}-${form}`, target)
          const { baseUrl } = server
          const imagePublicKey = setting.key.publicKey
          await writeTree({ baseUrl, image: 'test', version: id, imagePublicKey, targetDirectory })
          assert.equal(
            describe(differences(source, targetDirectory, { hasLinksOfFilesOnly: form === 'tar' })),
            '',
            `${form} on ${target}`,
          )
          if (form === 'directory') assertToolsAgree(setting, targetDirectory)
          setting.unmount(`${target}-${form}`)
          fs.rmSync(`${targetDirectory}.img`)
        }
      }
    })
  }
}

/** The first few, cut: attributes and names may be long. */
function describe(found: readonly string[]): string {
  return found
    .slice(0, 8)
    .map((text) => (text.length > 300 ? `${text.slice(0, 150)} … ${text.slice(-150)}` : text))
    .join('\n')
}

/** They are left out; their directories keep the times that they were given. */
function removeSockets(tree: RandomTree): void {
  for (const socket of tree.sockets) {
    const parent = tree.full(socket.subarray(0, Math.max(0, socket.lastIndexOf('/'))))
    const { mtimeNs } = fs.lstatSync(parent, { bigint: true })
    fs.rmSync(tree.full(socket))
    restoreTime(parent, mtimeNs)
  }
}

function restoreTime(path: Buffer, mtimeNs: bigint): void {
  const nanoseconds = ((mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  writePathTimes(path, Number((mtimeNs - nanoseconds) / 1_000_000_000n), Number(nanoseconds))
}

/** A second opinion, by programs that know nothing of us. */
function assertToolsAgree(setting: ImageSetting, copy: string): void {
  // XFS shows its ACLs twice. Contents are tar's part.
  const options = [
    '-n',
    '-i',
    '-aHAX',
    '--numeric-ids',
    '--delete',
    '--modify-window=-1',
    '--filter=-x trusted.SGI_ACL_*',
  ]
  const rsync = spawnSync('rsync', [...options, '--exclude=/lost+found', 'source/', `${copy}/`], {
    cwd: setting.directory,
  })
  assert.equal(`${rsync.stdout}${rsync.stderr}`.slice(0, 2000), '')
  const tar = spawnSync('tar', ['-C', copy, '--xattrs', '--compare', '-f', setting.path('tree.tar')])
  assert.equal(`${tar.stdout}${tar.stderr}`.slice(0, 2000), '')
}
