import assert from 'node:assert/strict'
import fs from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { type Member, membersOf } from '../../src/image/group-members.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { ImportSession } from '../../src/image/import-session.ts'
import { makeNastyTree } from '../../src/image/nasty-tree.fixture.ts'
import type { RamRootForm } from '../../src/image/renditions/rendition-name.ts'
import { StoredChunks } from '../../src/image/renditions/stored-chunks.ts'
import { TreeContents } from '../../src/image/renditions/tree-contents.ts'
import { readTree } from '../../src/image/repository.ts'
import { parseKernelConfig, rulesOf } from '../../src/ramroot/form-rules.ts'
import { packRoot } from '../../src/ramroot/pack-root.ts'
import { makeSidecar } from '../../src/ramroot/sidecar.ts'
import { differences } from './image/compare-trees.ts'
import { ImageSetting } from './image/image-setting.ts'
import { needs } from './image/needs.ts'

const config = parseKernelConfig('CONFIG_RD_ZSTD=y\nCONFIG_SQUASHFS_XZ=y\nCONFIG_INITRAMFS_PRESERVE_MTIME=y\n')
const kernel = {
  release: '6.12.1',
  image: undefined as never,
  modulesDirectory: 'usr/lib/modules/6.12.1',
  architecture: 'x64',
} as const

/** Packs a tree that has everything; gives what was refused, and the packed file. */
async function pack(t: TestContext, setting: ImageSetting, form: RamRootForm) {
  const source = setting.mountNew('source', 'ext4')
  setting.run('rm -rf source/lost+found')
  makeNastyTree(source, 7)
  const version = await importDirectory(setting.repository, source, setting.options)
  const session = await ImportSession.begin(setting.repository)
  t.after(() => session[Symbol.asyncDispose]())
  const stored = new StoredChunks(setting.repository, session.index)
  t.after(() => stored[Symbol.asyncDispose]())
  const contents = new TreeContents(await readTree(setting.repository, version.id), stored)
  const rules = rulesOf(form, kernel, config)
  const all = [...membersOf(contents.tree.entries)]
  const refused = new Set(all.filter((member) => rules.refusal(member) !== undefined).map(({ node }) => node))
  const members = all.filter(({ node }) => !refused.has(node))
  const aside = setting.path('packed')
  await mkdir(aside)
  const work = { contents, kernel, config, rules, members, form, aside, session, options: {} }
  const name = await packRoot(work)
  const sidecar = makeSidecar(members, rules)
  await writeFile(setting.path('attributes'), sidecar.attributes)
  await writeFile(setting.path('times'), sidecar.times)
  return { source, refused: pathsOf(all, refused), file: `${aside}/${name}`, again: async () => packRoot(work) }
}

function pathsOf(members: readonly Member[], refused: ReadonlySet<unknown>): string[] {
  return members.filter(({ node }) => refused.has(node)).map(({ path }) => path)
}

/** As the early system does it (ramdisk/ramroot/init). */
function restore(setting: ImageSetting, directory: string): void {
  setting.run(`cd ${directory} && xargs -0 -r -n 3 touch -h -m -c < ${setting.path('times')}`)
  setting.run(`cd ${directory} && setfattr -h --restore=${setting.path('attributes')}`)
}

/** Sockets are not imported, and what was refused is not packed. */
function unexplained(setting: ImageSetting, source: string, copy: string, refused: readonly string[]): string[] {
  for (const path of [...refused, 'special/socket']) {
    const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'
    setting.run(`touch -r ${source}/${parent} keep && rm -f ${source}/${path} && touch -r keep ${source}/${parent}`)
  }
  return differences(source, copy, { hasLinksOfFilesOnly: false })
}

test('a nasty tree packed as newc is the same once GNU cpio unpacked it and the sidecar is restored', async (t) => {
  if (needs(t, { root: true, programs: ['cpio', 'zstd', 'setfattr', 'setcap', 'setfacl'] })) return
  const setting = await ImageSetting.open(t)
  const { source, refused, file } = await pack(t, setting, 'initrd')
  assert.deepEqual(refused.sort(), ['links/outward', 'links/outward-too', 'sparse/terabyte'])
  const copy = setting.mountNew('copy', 'ext4')
  setting.run(`rm -rf copy/lost+found && (zstd -dcq ${file} || true) | (cd copy && cpio -idm --quiet)`)
  restore(setting, copy)
  assert.deepEqual(
    unexplained(setting, source, copy, refused).filter((text) => !/takes \d+ blocks/.test(text)),
    [],
  )
})

test('a nasty tree packed as squashfs is the same but for fractions of seconds, and packed again it is byte for byte the same', async (t) => {
  if (needs(t, { root: true, programs: ['tar2sqfs', 'unsquashfs', 'setfattr', 'setcap', 'setfacl'] })) return
  const setting = await ImageSetting.open(t)
  const { source, refused, file, again } = await pack(t, setting, 'squashfs')
  assert.deepEqual(refused, ['metadata/xattrs', 'sparse/terabyte'], 'an attribute of overlays, and what fits no memory')
  const copy = setting.mountNew('copy', 'ext4')
  setting.run(`rm -rf copy/lost+found && unsquashfs -quiet -no-progress -force -dest copy ${file}`)
  restore(setting, copy)
  const found = unexplained(setting, source, copy, refused)
  assert.deepEqual(
    found
      .filter((text) => !/takes \d+ blocks/.test(text))
      .map((text) => text.replace(/mtimeNs is (-?\d+)\d{9}, not \1\d{9}/, '').trim())
      .filter((text) => !text.endsWith(':')),
    [],
  )
  const first = await readFile(file)
  fs.rmSync(file)
  await again()
  assert.ok(first.equals(await readFile(file)))
})
