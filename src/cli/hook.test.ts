import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import type { Deployment } from '../core/deployment.ts'
import { importDirectory } from '../image/import-directory.ts'
import { openRepository } from '../image/repository.ts'
import { parseSeconds } from './hook.ts'
import { service } from './management.fixture.ts'

type Ran = { code: number; stdout: string; stderr: string }

/** A service with a machine, and `bootwright` run beside it, which gets `input` where it is given. */
async function site(t: TestContext) {
  const there = await service(t)
  await there.client.request('PUT', '/api/v1/machines/rack-1', { macs: ['52:54:00:00:00:01'], group: 'web' })
  const run = async (args: string[], input = ''): Promise<Ran> => {
    const main = join(import.meta.dirname, 'main.ts')
    const child = spawn(process.execPath, [main, ...args, '--data', there.directory], { timeout: 60_000 })
    child.stdin.on('error', () => {}).end(input)
    const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)))
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { code, stdout, stderr }
  }
  const write = async (name: string, content: string) => {
    await writeFile(join(there.directory, name), content)
    return join(there.directory, name)
  }
  return { ...there, run, write }
}

test('bootwright hook sets, lists, shows and removes the script of a point', async (t) => {
  const { run, write } = await site(t)
  const script = '#!/bin/sh\necho hello\n'
  const file = await write('hook.sh', script)
  const at = ['--group', 'web', '--point', 'after-write']
  assert.deepEqual(await run(['hook', 'set', file, ...at, '--timeout', '60s']), { code: 0, stdout: '', stderr: '' })
  assert.equal((await run(['hook', 'set', file, '--machine', 'rack-1', '--point', 'first-boot'])).code, 0)
  const listed = (await run(['hook', 'list'])).stdout.trimEnd().split('\n')
  assert.deepEqual(
    listed.map((line) => line.split(/ {2,}/)),
    [
      ['WHOSE', 'NAME', 'POINT', 'TIMEOUT', 'SCRIPT'],
      ['group', 'web', 'after-write', '60 s', '2 lines'],
      ['machine', 'rack-1', 'first-boot', '300 s', '2 lines'],
    ],
  )
  assert.equal((await run(['hook', 'show', ...at])).stdout, script)
  assert.equal(JSON.parse((await run(['hook', 'list', '--json', '--group', 'web'])).stdout).length, 1)
  assert.equal((await run(['hook', 'remove', ...at])).code, 0)
  assert.match((await run(['hook', 'remove', ...at])).stderr, /the group web has no hook after-write/)
  assert.match((await run(['hook', 'show', ...at])).stderr, /the group web has no hook after-write/)
})

test('bootwright hook says what is wrong with a scope, a point or a script', async (t) => {
  const { run, write } = await site(t)
  const file = await write('hook.sh', 'echo hello\n')
  const set = (...args: string[]) => run(['hook', 'set', file, ...args])
  assert.match((await set('--point', 'after-write')).stderr, /say whose: --image NAME, --group NAME or --machine NAME/)
  assert.match((await set('--group', 'a', '--image', 'b', '--point', 'after-write')).stderr, /cannot be used with/)
  assert.match((await set('--group', 'a', '--point', 'lunch')).stderr, /Allowed choices are before-partition/)
  assert.match((await set('--group', 'a', '--point', 'first-boot')).stderr, /does not name its interpreter/)
  const missing = await run([
    'hook',
    'set',
    await write('b.sh', '#!/bin/sh\n'),
    '--machine',
    'x',
    '--point',
    'first-boot',
  ])
  assert.deepEqual([missing.code, missing.stderr.trim()], [1, 'bootwright: There is no machine "x"'])
})

test('bootwright variable never shows a secret, and takes none from the command line', async (t) => {
  const { run, client } = await site(t)
  const web = ['--group', 'web']
  assert.equal((await run(['variable', 'set', 'ntp', '10.0.0.1', ...web])).code, 0)
  const refused = await run(['variable', 'set', 'password', 'hunter22', '--secret', ...web])
  assert.match(refused.stderr, /a secret does not stand in a command/)
  const set = ['variable', 'set', 'password', '--secret', '--from', '-', ...web]
  assert.match((await run(set, 'abc\n')).stderr, /fewer than 4 characters/)
  assert.equal((await run(set, 'hunter22\n')).code, 0)
  const listed = await run(['variable', 'list'])
  assert.match(listed.stdout, /group {2}web {3}ntp {7}10\.0\.0\.1\ngroup {2}web {3}password {2}\(secret\)\n$/)
  const answered = JSON.stringify([
    listed,
    await run(['variable', 'list', '--json']),
    await client.request('GET', '/api/v1/variables/'),
    await client.request('GET', '/api/v1/events/'),
  ])
  assert.doesNotMatch(answered, /hunter22/)
  assert.match(answered, /the variable password of the group web was set/)
  assert.equal((await run(['variable', 'remove', 'ntp', ...web])).code, 0)
  assert.doesNotMatch((await run(['variable', 'list'])).stdout, /ntp/)
})

test('bootwright file sets, lists, shows and removes a template, and refuses what is no place for one', async (t) => {
  const { run, write } = await site(t)
  const file = await write('motd', 'this is {{ machine.name }}\n')
  const image = ['--image', 'debian']
  const set = (path: string, ...args: string[]) => run(['file', 'set', path, file, ...image, ...args])
  assert.equal((await set('/etc/motd', '--mode', '0640', '--owner', 'root:adm')).code, 0)
  assert.match(
    (await run(['file', 'list'])).stdout,
    /image {2}debian {2}\/etc\/motd {2}0640 {2}root:adm {2}template\n$/,
  )
  assert.equal((await run(['file', 'show', '/etc/motd', ...image])).stdout, 'this is {{ machine.name }}\n')
  assert.match((await set('/etc/../shadow')).stderr, /the path \/etc\/\.\.\/shadow: it has an empty name, \. or \.\./)
  assert.match((await set('/etc/x', '--mode', '4755')).stderr, /mode/)
  assert.equal((await run(['file', 'remove', '/etc/motd', ...image])).code, 0)
  assert.equal((await run(['file', 'list'])).stdout, 'there are no files\n')
})

test('POST /deployments names variable, file and line of a template that cannot be rendered, and orders nothing', async (t) => {
  const { run, write, client, images, keys, directory } = await site(t)
  const repository = await openRepository(join(directory, 'images'))
  await importDirectory(repository, join(directory, 'keys'), { image: 'debian', signingKey: keys.imageKey })
  const file = await write('chrony.conf', '# ours\nserver {{ ntp }}\n')
  await run(['file', 'set', '/etc/chrony.conf', file, '--group', 'web'])
  assert.ok((await images.resolve('debian')).id)
  const deploy = await run(['deploy', 'rack-1', '--image', 'debian'])
  assert.equal(deploy.code, 1)
  assert.match(
    deploy.stderr,
    /Cannot deploy rack-1: \/etc\/chrony\.conf of the group web, line 2: there is no variable "ntp"; there are deployment\.id, image\.name/,
  )
  const order = { machine: 'rack-1', image: 'debian' }
  await assert.rejects(client.request('POST', '/api/v1/deployments/', order), { name: 'ServiceError', status: 409 })
  await run(['variable', 'set', 'ntp', '10.0.0.1', '--machine', 'rack-1'])
  const { deployment } = await client.request<{ deployment: Deployment }>('POST', '/api/v1/deployments/', order)
  assert.equal(deployment.state, 'queued')
})

test('parseSeconds() knows seconds, minutes and hours', () => {
  assert.deepEqual(['90', '60s', '10m', '2h'].map(parseSeconds), [90, 60, 600, 7200])
  for (const text of ['', '0', '-1', '1d', 's', '1.5m']) assert.throws(() => parseSeconds(text), InvalidArgumentError)
})
