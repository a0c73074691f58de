import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { packFile } from '../image/repository-layout.ts'
import { service, until } from './management.fixture.ts'

type Said = { code: number | null; stdout: Buffer; stderr: string }

/** A service with a source directory, and the real command line to it. */
async function site(t: TestContext) {
  const running = await service(t)
  const source = join(running.directory, 'source')
  const store = join(running.directory, 'images')
  const image = (...args: string[]) => commandLine(['image', ...args, '--data', running.directory])
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await image(...args, '--json')
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout.toString())
  }
  const put = async (files: Record<string, string | Buffer>, name = 'debian') => {
    for (const [file, content] of Object.entries(files)) {
      await mkdir(join(source, file, '..'), { recursive: true })
      await writeFile(join(source, file), content)
    }
    return (await json('import', name, '--directory', source)) as { id: string }
  }
  return { ...running, source, store, image, json, put }
}

function commandLine(args: string[]): Promise<Said> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { timeout: 60_000 })
  const out: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (part: Buffer) => out.push(part))
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout: Buffer.concat(out), stderr })))
}

test('image tag, rollback, untag and remove work from the command line', async (t) => {
  const { image, json, put } = await site(t)
  const one = await put({ file: 'one' })
  const two = await put({ file: 'two' })
  assert.deepEqual(await json('tag', `debian@${one.id.slice(0, 8)}`, 'gold'), {
    ...{ image: 'debian', tag: 'gold', from: null, to: one.id },
  })
  assert.equal((await json('rollback', 'debian')).to, one.id)
  assert.deepEqual((await json('show', 'debian')).tags, { current: one.id, gold: one.id, previous: two.id })
  await json('untag', 'debian', 'previous')
  const refused = await image('remove', 'debian:gold')
  assert.deepEqual([refused.code, refused.stdout.length], [1, 0])
  assert.match(refused.stderr, /it is in use \(tag current, tag gold\)/)
  assert.equal((await json('remove', `debian@${two.id}`)).id, two.id)
  assert.match((await image('rollback', 'debian')).stderr, /there is no previous version/)
})

test('image diff says files, packages and bytes', async (t) => {
  const { image, json, put } = await site(t)
  const status = (version: string) =>
    `Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`
  await put({ 'etc/motd': 'one', 'var/lib/dpkg/status': status('5.1') })
  await put({ 'etc/motd': 'two', 'var/lib/dpkg/status': status('5.2'), 'usr/bin/bash': randomBytes(300_000) })
  const difference = await json('diff', 'debian:previous', 'debian')
  assert.deepEqual(
    difference.packages.map(({ name, before, after }: Record<string, string>) => [name, before, after]),
    [['bash', '5.1', '5.2']],
  )
  assert.ok(difference.move.storedBytes > 300_000)
  const text = (await image('diff', 'debian:previous', 'debian')).stdout.toString()
  assert.match(text, /^\+ \/usr\/bin\/bash$/m)
  assert.match(text, /^~ \/etc\/motd {2}\(content/m)
  assert.match(text, /^to fetch: .* in \d+ chunks/m)
  assert.match(text, /^~ +bash +amd64 +5\.1 +5\.2$/m)
})

test('image export gives the same to a file and to standard output, and import --file takes it', async (t) => {
  const { directory, image, json, put, keys } = await site(t)
  const { id } = await put({ file: 'one', large: randomBytes(3_000_000) })
  const file = join(directory, 'debian.archive')
  assert.equal((await json('export', 'debian', file)).version, id)
  assert.ok((await image('export', `debian@${id}`, '-')).stdout.equals(await readFile(file)))
  const other = await site(t)
  const refused = await other.image('import', '--file', file)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /give it with --trust/)
  const key = join(directory, 'image.pub')
  await writeFile(key, keys.imageKey.publicKeyPem)
  assert.equal((await other.json('import', '--file', file, '--trust', key)).id, id)
  assert.deepEqual((await other.json('import', 'copy', '--file', file, '--resign', '--no-current')).tags, [])
})

test('image retention and prune remove what no policy, tag or machine keeps', async (t) => {
  const { client, deployments, json, image, machines, put, store } = await site(t)
  const deployed = await put({ file: randomBytes(200_000) })
  await client.request('PUT', '/api/v1/machines/rack-1', { macs: ['52:54:00:00:00:01'] })
  await client.request('POST', '/api/v1/deployments/', { machine: 'rack-1', image: 'debian' })
  for (let count = 0; count < 4; count++) await put({ file: randomBytes(200_000) })
  await json('retention', 'debian', '--keep', '1')
  const foreseen = await json('prune', '--dry-run')
  assert.equal(foreseen.removedVersions.length, 2) // of five: one is current, one previous, one on a machine
  assert.equal((await json('show', 'debian')).versions.length, 5)
  const pruned = await json('prune', '--grace', '0')
  assert.deepEqual(pruned.removedVersions, foreseen.removedVersions)
  const left = (await json('show', 'debian')).versions.map((version: { id: string }) => version.id)
  assert.ok(left.includes(deployed.id))
  assert.equal((await readdir(join(store, 'packs'))).filter((name) => name.endsWith('.pack')).length, 3)
  assert.equal((await image('verify')).code, 0)
  const refused = await image('remove', `debian@${deployed.id}`, '--force')
  assert.match(refused.stderr, /it is in use \(machine rack-1: queued\)/)
  const [deployment] = await deployments.list()
  await deployments.cancel(deployment!.id)
  await machines.remove('rack-1')
  assert.equal((await image('remove', `debian@${deployed.id}`, '--force')).code, 0)
})

test('image verify names a damaged chunk and what it breaks, and repairs it from the files', async (t) => {
  const { image, put, source, store } = await site(t)
  const { id } = await put({ file: randomBytes(400_000) })
  const [name] = (await readdir(join(store, 'packs'))).filter((file) => file.endsWith('.pack'))
  const pack = packFile(store, name!.replace('.pack', ''))
  const bytes = await readFile(pack)
  bytes[100_000]! ^= 1
  await writeFile(pack, bytes)
  const damaged = await image('verify')
  assert.equal(damaged.code, 1)
  assert.match(damaged.stdout.toString(), new RegExp(`it breaks debian@${id.slice(0, 12)}`))
  const repaired = await image('verify', '--repair-from', source)
  assert.equal(repaired.code, 0, repaired.stdout.toString() + repaired.stderr)
  assert.equal((await image('verify')).code, 0)
})

test('image import of what is not there says so, and is no fault of the service', async (t) => {
  const { client, image } = await site(t)
  const { code, stderr } = await image('import', 'debian', '--tar', '/nonexistent.tar')
  assert.equal(code, 1)
  assert.match(stderr, /Cannot import \/nonexistent\.tar: there is no such file on the machine of the service/)
  const lines: { kind: string; problem?: { status: number } }[] = []
  const body = { path: '/nonexistent.tar' }
  for await (const line of client.lines<(typeof lines)[0]>('POST', '/api/v1/image-archives', body)) lines.push(line)
  assert.deepEqual([lines.at(-1)?.kind, lines.at(-1)?.problem?.status], ['problem', 400])
})

test('an export whose reader leaves stops, and makes room for other jobs', async (t) => {
  const { client, put } = await site(t)
  const { id } = await put({ large: randomBytes(12_000_000) })
  for (let count = 0; count < 12; count++) {
    await until(async () => {
      const { body } = await client.bytes(`/api/v1/images/debian/versions/${id}/archive`)
      for await (const part of body) if (part.length > 0) break
      return true
    })
  }
})

test('GET /openapi.json describes every route of images', async (t) => {
  const { client } = await service(t)
  const said = await client.request<{ openapi: string; paths: Record<string, object> }>('GET', '/api/v1/openapi.json')
  assert.equal(said.openapi, '3.1.0')
  assert.deepEqual(
    Object.entries(said.paths)
      .filter(([path]) => path.startsWith('/api/v1/image'))
      .map(([path, methods]) => `${path.slice('/api/v1'.length)} ${Object.keys(methods).join(' ')}`)
      .sort(),
    [
      '/image-archives post',
      '/image-deltas post',
      '/image-diff get',
      '/image-prune post',
      '/image-renditions post',
      '/image-sbom get',
      '/image-verify post',
      '/images/ get',
      '/images/{name} get',
      '/images/{name}/retention get put',
      '/images/{name}/rollback post',
      '/images/{name}/tags/{tag} put delete',
      '/images/{name}/versions post',
      '/images/{name}/versions/{version} get delete',
      '/images/{name}/versions/{version}/archive get',
    ],
  )
})
