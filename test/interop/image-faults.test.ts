import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { importDirectory } from '../../src/image/import-directory.ts'
import { skipsWithoutRoot, temporaryDirectory } from '../../src/image/nasty-tree.fixture.ts'
import { listPacks } from '../../src/image/pack-index.ts'
import { removeVersion } from '../../src/image/remove-version.ts'
import { readRamRoot } from '../../src/image/renditions/stored-ram-root.ts'
import { listVersions, openRepository, readTags } from '../../src/image/repository.ts'
import { StorageFull } from '../../src/image/storage-fault.ts'
import { DirectoryStore } from '../../src/image/store/directory-store.ts'
import { listHolds } from '../../src/image/store/repository-hold.ts'
import { describeDamage, type VerifyReport } from '../../src/image/upkeep/damage.ts'
import { pruneRepository } from '../../src/image/upkeep/prune-repository.ts'
import { repairRepository } from '../../src/image/upkeep/repair-repository.ts'
import type { RamRootName } from '../../src/image/upkeep/scan-ram-root.ts'
import { verifyRepository } from '../../src/image/upkeep/verify-repository.ts'
import { ensureRamRoot } from '../../src/ramroot/ensure-ram-root.ts'
import { type FaultRow, formatTable, tableInPage, withoutIds } from './image/fault-table.ts'
import { type FaultyStore, fixedBytes, makeStore, putVersion, writeSource } from './image/faulty-store.ts'
import { killWork, runWork } from './image/kill-at-random.ts'
import { needs } from './image/needs.ts'

const page = path.join(import.meta.dirname, '../../docs/image-store.md')
const rows: FaultRow[] = []
let root = ''
let store: FaultyStore
const cleanUps: (() => void)[] = []

before(async () => {
  root = temporaryDirectory({ after: (clean: () => void) => cleanUps.push(clean) } as Pick<TestContext, 'after'>)
  store = await makeStore(root)
})
after(() => {
  for (const clean of cleanUps) clean()
})

/** Files of each kind, from the repository's directory on. */
function kindsOfFile(): [string, string][] {
  const packs = fs.readdirSync(path.join(store.directory, 'packs'))
  const index = packs.filter((name) => name.endsWith('.index')).sort()[0]!
  const version = `versions/${store.debian.id}`
  const rendition = `versions/${store.disk.id}/renditions/disk`
  const ramRoot = `versions/${store.live.id}/ramroot/initrd`
  return [
    ['pack', `packs/${index.replace('index', 'pack')}`],
    ['pack index', `packs/${index}`],
    ['manifest', `${version}/manifest`],
    ['signatures', `${version}/signatures`],
    ['locations', `${version}/locations`],
    ['manifest of a rendition', `${rendition}/manifest`],
    ['signatures of a rendition', `${rendition}/signatures`],
    ['locations of a rendition', `${rendition}/locations`],
    ['kernel for running from memory', `${ramRoot}/vmlinuz`],
    ['list of what runs from memory', `${ramRoot}/index.json`],
    ['tag', 'tags/debian/current'],
    ['list of condemned packs', 'condemned'],
  ]
}

const injections: [string, (file: string) => void][] = [
  [
    'a bit flipped in',
    (file) => {
      const bytes = fs.readFileSync(file)
      // Of signatures, in the last one itself, so that it stays base64: what is not is found as damage before that.
      const isSignatures = file.endsWith('signatures')
      const isTurned = (byte: number, at: number) =>
        at >= bytes.length - 20 && /[b-yB-Y0-9]/.test(String.fromCharCode(byte))
      if (isSignatures) bytes[bytes.findIndex(isTurned)]! ^= 0x01
      else bytes[Math.floor(bytes.length / 2)]! ^= 0x10
      fs.writeFileSync(file, bytes)
    },
  ],
  ['the end cut off', (file) => fs.truncateSync(file, Math.floor((fs.statSync(file).size * 3) / 4))],
  ['removed:', (file) => fs.rmSync(file)],
]

/** A copy of the store to damage. */
async function damagedCopy(t: TestContext): Promise<string> {
  const copy = path.join(temporaryDirectory(t), 'images')
  fs.cpSync(store.directory, copy, { recursive: true })
  return copy
}

test('verifyRepository() names every injected damage, repairRepository() mends it, nothing is lost', async (t) => {
  for (const [kind, file] of kindsOfFile()) {
    for (const [injection, inject] of injections) {
      await t.test(`${injection} ${kind}`, async (t) => {
        const copy = await damagedCopy(t)
        inject(path.join(copy, file))
        rows.push(await tell(copy, `${injection} ${kind}`))
      })
    }
  }
})

async function tell(copy: string, fault: string): Promise<FaultRow> {
  const repository = { directory: copy }
  const makeRamRoot = ({ version, form }: RamRootName) => ensureRamRoot(repository, version, form)
  const options = { publicKeyPem: store.signingKey.publicKeyPem, makeRamRoot }
  const alone = await repairRepository(repository, options)
  const found = alone.before
  const mirror = new DirectoryStore({ directory: store.directory })
  const helped = alone.after.isWhole ? alone : await repairRepository(repository, { ...options, sources: [mirror] })
  const byPerson = helped.after.damages.filter(({ repair }) => repair === 'person')
  assert.deepEqual(helped.after.damages, byPerson, 'what is left needs a decision')
  for (const { file } of byPerson) {
    fs.copyFileSync(path.join(store.directory, file), path.join(copy, file))
    assert.ok((await verifyRepository(repository, options)).isWhole)
  }
  const lost = (await everythingIsThere(copy)) ? 'nothing' : 'something'
  assert.equal(lost, 'nothing')
  return {
    fault,
    found: kindsOf(found).join(', ') || 'nothing: a pack that is not on it is not deleted',
    breaks: [...new Set(found.damages.flatMap(({ breaks }) => breaks.map(nameOf)))].join(', ') || '–',
    mended: found.isWhole
      ? '–'
      : byPerson.length > 0
        ? 'moving the tag again'
        : alone.after.isWhole
          ? '`--repair`'
          : '`--repair-from`',
    lost,
    told: withoutIds(found.damages.map(describeDamage)[0] ?? '–', copy),
  }
}

/** Versions and tags as before; that all of it is whole was asked. */
async function everythingIsThere(copy: string): Promise<boolean> {
  const [repository, pristine] = [{ directory: copy }, { directory: store.directory }]
  assert.deepEqual(await listVersions(repository), await listVersions(pristine))
  assert.deepEqual(await readTags(repository, 'debian'), await readTags(pristine, 'debian'))
  const ramRoot = await readRamRoot(pristine, store.live.id, 'initrd')
  assert.deepEqual(await readRamRoot(repository, store.live.id, 'initrd'), ramRoot)
  return true
}

function kindsOf(report: VerifyReport): string[] {
  return [...new Set(report.damages.map(({ kind }) => kind))]
}

function nameOf({ images, rendition }: { images: string[]; rendition?: string | undefined }): string {
  const names = images.length === 0 ? 'the version' : images.join(', ')
  return rendition === undefined ? names : `the rendition ${rendition}`
}

const moments = 50

test('an import killed at fifty random moments leaves the store whole, and the next one goes through', async (t) => {
  const copy = await damagedCopy(t)
  const source = path.join(temporaryDirectory(t), 'source')
  const repository = { directory: copy }
  const args = ['import', copy, path.join(root, 'keys'), source]
  const published = new Set((await listVersions(repository)).map(({ id }) => id))
  writeSource(source, 'to measure')
  let withinMs = await runWork(args)
  for (let n = 0, killed = 0; killed < moments; n++) {
    assert.ok(n < moments * 4, `only ${killed} of ${n} were killed before they ended`)
    writeSource(source, `killed ${n}`)
    if (await killWork(args, Math.random() * withinMs)) killed++
    else withinMs *= 0.9 // the machine has become quicker: those that ended by themselves do not count
    const report = await verifyRepository(repository, { publicKeyPem: store.signingKey.publicKeyPem })
    assert.deepEqual(report.damages, [], `moment ${n}`)
    const now = new Set((await listVersions(repository)).map(({ id }) => id))
    assert.ok([...published].every((id) => now.has(id)))
    for (const id of now) published.add(id)
  }
  await putVersion(repository, store.signingKey, source, 'after')
  assert.deepEqual(fs.readdirSync(path.join(copy, 'staging')), [])
  await checkPruned(repository)
  t.diagnostic(`all ${moments} were killed while they worked, within ${Math.round(withinMs)} ms`)
  const told = 'the next import removes the staging directory, the next prune what was not published'
  rows.push({ fault: 'kill -9 at fifty moments of an import', ...harmless, told })
})

test('a prune killed at fifty random moments leaves the store whole, and the next one goes through', async (t) => {
  const copy = await damagedCopy(t)
  const source = path.join(temporaryDirectory(t), 'source')
  const repository = { directory: copy }
  const replace = async (seed: string) => {
    const before = (await readTags(repository, 'debian')).get('current')!
    await putVersion(repository, store.signingKey, source, seed)
    await removeVersion(repository, 'debian', before, { withTags: true })
  }
  await replace('to measure')
  let withinMs = await runWork(['prune', copy])
  for (let n = 0, killed = 0; killed < moments; n++) {
    assert.ok(n < moments * 4, `only ${killed} of ${n} were killed before they ended`)
    await replace(`round ${n}`)
    if (await killWork(['prune', copy], Math.random() * withinMs)) killed++
    else withinMs *= 0.9 // the machine has become quicker: those that ended by themselves do not count
    const report = await verifyRepository(repository, { publicKeyPem: store.signingKey.publicKeyPem })
    assert.deepEqual(report.damages, [], `moment ${n}`)
  }
  await checkPruned(repository)
  t.diagnostic(`all ${moments} were killed while they worked, within ${Math.round(withinMs)} ms`)
  rows.push({ fault: 'kill -9 at fifty moments of a prune', ...harmless, told: 'the next prune goes on' })
})

const harmless = { found: 'nothing: the store is whole', breaks: '–', mended: '–', lost: 'nothing' }

/** After a prune nothing is there that no version needs. */
async function checkPruned(repository: { directory: string }): Promise<void> {
  await pruneRepository(repository, { graceMs: 0, rewriteFrom: 0.01 })
  const { waiting, totalBytes, neededBytes } = await pruneRepository(repository, { graceMs: 0, rewriteFrom: 0.01 })
  assert.deepEqual(waiting, [])
  assert.ok(totalBytes < neededBytes * 1.02, `${totalBytes} bytes for ${neededBytes}`)
  assert.deepEqual(await listHolds(repository), [])
  assert.ok((await verifyRepository(repository)).isWhole)
}

/** A file system of its own with so much room. */
function smallDisk(t: TestContext, sizeBytes: number): string {
  const mountPoint = path.join(root, 'small')
  fs.mkdirSync(mountPoint)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', mountPoint])
  t.after(() => execFileSync('umount', [mountPoint]))
  return mountPoint
}

test('an import and a prune onto a full disk say which one, and leave nothing half-written', async (t) => {
  if (skipsWithoutRoot(t)) return
  const mountPoint = smallDisk(t, 16 * 1024 * 1024)
  const repository = await openRepository(path.join(mountPoint, 'images'))
  const source = path.join(temporaryDirectory(t), 'source')
  await putVersion(repository, store.signingKey, source, 'first')
  const before = await stateOf(repository)
  writeSource(source, 'too much', 40)
  const fault = await importDirectory(repository, source, { image: 'debian', signingKey: store.signingKey }).catch(
    (thrown) => thrown,
  )
  assert.ok(fault instanceof StorageFull, String(fault))
  assert.equal(fault.mountPoint, mountPoint)
  assert.deepEqual(await stateOf(repository), before)
  rows.push({ fault: 'disk full during an import', ...refused, told: withoutIds(fault.message, mountPoint) })

  fs.rmSync(source, { recursive: true })
  await putVersion(repository, store.signingKey, source, 'second')
  const { id } = (await listVersions(repository)).find(({ tags }) => tags.includes('previous'))!
  await removeVersion(repository, 'debian', id, { withTags: true })
  const unpruned = await stateOf(repository)
  fillUp(path.join(mountPoint, 'filler'))
  const full = await pruneRepository(repository, { graceMs: 0, rewriteFrom: 0.1 }).catch((thrown) => thrown)
  assert.ok(full instanceof StorageFull, String(full))
  assert.deepEqual(await stateOf(repository), unpruned)
  rows.push({ fault: 'disk full during a prune', ...refused, told: withoutIds(full.message, mountPoint) })
  fs.rmSync(path.join(mountPoint, 'filler'))
  await checkPruned(repository)
})

const refused = {
  found: 'StorageFull; nothing half-written is left',
  breaks: '–',
  mended: 'making room',
  lost: 'nothing',
}

async function stateOf(repository: { directory: string }) {
  assert.ok((await verifyRepository(repository)).isWhole)
  return {
    packs: await listPacks(repository.directory),
    staging: fs.readdirSync(path.join(repository.directory, 'staging')),
    versions: await listVersions(repository),
  }
}

function fillUp(file: string): void {
  const fd = fs.openSync(file, 'w')
  try {
    for (const bytes of [fixedBytes('filler', 1024 * 1024), Buffer.alloc(4096)]) {
      for (;;) if (fs.writeSync(fd, bytes) < bytes.length) break
    }
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  } finally {
    fs.closeSync(fd)
  }
}

test('a pack on a disk that cannot be read is told with the reason', async (t) => {
  if (needs(t, { root: true, programs: ['strace'] })) return
  const copy = await damagedCopy(t)
  const [packId] = await listPacks(copy)
  const file = path.join(copy, 'packs', `${packId}.pack`)
  const child = path.join(import.meta.dirname, 'image/upkeep-child.ts')
  const inject = ['-f', '-qq', '-o', '/dev/null', '-P', file, '-e', 'inject=pread64:error=EIO']
  const said = execFileSync('strace', [...inject, process.execPath, child, 'verify', copy], {
    input: '\n',
    encoding: 'utf8',
    timeout: 120_000,
  })
  const told = withoutIds(said.split('\n').find((line) => line.includes('EIO'))!, copy)
  const [, breaks = ''] = /it breaks (.*?);/.exec(told) ?? []
  assert.match(breaks, /^appliance@ID/)
  assert.ok((await verifyRepository({ directory: copy })).isWhole, 'nothing was changed')
  const row = {
    found: 'pack-unreadable',
    breaks,
    mended: 'a disk that can be read, or `--repair-from`',
    lost: 'nothing',
  }
  rows.push({ fault: 'input/output error while a pack is read', ...row, told })
  t.diagnostic(formatTable(rows.slice(-1)))
})

/** Without the last column, whose wording may depend on versions of libraries. */
function withoutWords(table: string): string[] {
  return table.split('\n').map((line) => line.replaceAll('\\|', '/').split('|').slice(0, 6).join('|'))
}

test('docs/image-store.md has the table as it was found', (t) => {
  if (rows.length < kindsOfFile().length * injections.length + 5) return t.skip('needs the rows of every test above')
  const table = formatTable(rows)
  const hint = 'run it once with UPDATE_DOCS=1 and look at the difference'
  assert.deepEqual(withoutWords(tableInPage(page, table)), withoutWords(table), hint)
})
