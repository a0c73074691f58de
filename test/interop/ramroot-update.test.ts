import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { parseMac } from '../../src/bytes/mac.ts'
import type { Update } from '../../src/core/update.ts'
import { needs } from './image/needs.ts'
import { openNetworkPair } from './network-pair.ts'
import { RamrootMachine } from './ramroot-machine.ts'
import { earlyText, type ServedSite, serveSite } from './serve-site.ts'

const mac = '52:54:00:00:00:01'

test('a running machine is moved to the next version by kexec, whichever HTTP client it has', async (t) => {
  const setting = await open(t)
  if (!setting) return
  const { site, machine, put, update, isDone, command } = setting
  await machine.startEarlySystem(await machine.bootByFirmware())
  for (const [index, client] of (['curl', 'bash', 'wget'] as const).entries()) {
    await machine.startSystem(client)
    if (index > 0) await isDone()
    const version = await put(`text ${index}`)
    await update()
    await waitFor(
      async () => (await machine.called('systemctl')) === 'kexec\n',
      () => `${client}: ${machine.said}`,
    )
    const { kernel, initrd } = await filesOf(site, version)
    assert.ok((await machine.loaded('vmlinuz')).equals(kernel))
    assert.ok((await machine.loaded('initrd')).equals(initrd))
    const words = (await machine.called('kexec'))!
    assert.match(
      words,
      /--kexec-file-syscall .*--command-line=rdinit=\/\.bootwright\/init bootwright\.server=.* panic=15/,
    )
    assert.equal((await command('update', 'show', '--json')).machines[0]!.state, 'restarting')
    // The kernel that was started comes to its early system with the token that it was given.
    assert.equal(await machine.startEarlySystem(/bootwright\.token=(\S+)/.exec(words)![1]!), 'web:current')
  }
  await machine.startSystem('curl')
  await isDone()
  const [last] = (await command('update', 'show', '--json')).machines
  assert.deepEqual([last?.state, last?.by], ['up', 'kexec'])
})

test('a machine without kexec restarts by its firmware, says why, and runs what the update wants even when the tag moved on', async (t) => {
  const setting = await open(t)
  if (!setting) return
  const { machine, put, update, isDone, command } = setting
  await machine.startEarlySystem(await machine.bootByFirmware())
  await machine.startSystem('curl', { hasKexec: false })
  const wanted = await put('the next')
  await update()
  await waitFor(
    async () => (await machine.called('systemctl')) === 'reboot\n',
    () => machine.said,
  )
  assert.match(machine.said, /restarting by reboot: there is no kexec/)
  await put('one more')
  await machine.startEarlySystem(await machine.bootByFirmware())
  await machine.startSystem('curl')
  await isDone()
  const [last] = (await command('update', 'show', '--json')).machines
  assert.deepEqual([last?.state, last?.by, last?.version], ['up', 'reboot', wanted])
})

test('a machine does nothing that its own server did not say, and an update that is stopped tells it nothing more', async (t) => {
  const setting = await open(t)
  if (!setting) return
  const { machine, put, update, command } = setting
  await machine.startEarlySystem(await machine.bootByFirmware())
  await machine.forgetKey()
  await machine.startSystem('curl')
  await put('the next')
  await update()
  await waitFor(
    async () => machine.said.includes('somebody answered'),
    () => machine.said,
  )
  assert.equal(await machine.called('kexec'), undefined)
  assert.equal(await machine.called('systemctl'), undefined)
  assert.equal((await command('update', 'stop', '--json')).state, 'stopped')
})

test('a version that does not come up fails the machine, and the update stops', async (t) => {
  const setting = await open(t)
  if (!setting) return
  const { machine, put, command, site } = setting
  await machine.startEarlySystem(await machine.bootByFirmware())
  await machine.startSystem('curl')
  await put('the next')
  const following = site.command('update', 'rack-1')
  await waitFor(
    async () => (await machine.called('systemctl')) === 'kexec\n',
    () => machine.said,
  )
  await machine.stop()
  // It panicked: the firmware fetches its script anew.
  await machine.bootByFirmware()
  const { code, stdout } = await following
  assert.equal(code, 1)
  assert.match(stdout, /stopped: rack-1 failed: it did not come up: the machine booted anew/)
  const stopped = await command('update', 'show', '--json')
  assert.deepEqual([stopped.state, stopped.machines[0]!.state], ['stopped', 'failed'])
  const again = await site.command('update', 'rack-1')
  assert.equal(again.code, 1)
  assert.match(again.stderr, /There is nothing to do: rack-1: it does not run from memory now/)
})

async function open(t: TestContext) {
  if (needs(t, { root: true, programs: ['curl', 'wget', 'cpio', 'gzip'] })) return undefined
  const networks = await openNetworkPair(t)
  if (!networks) return undefined
  const { server } = networks
  const site = await serveSite(t, server, ['--interface', server.interface])
  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await site.command(...words)
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`)
    return stdout
  }
  const put = async (text: string) => {
    const version = await importVersion(site, text)
    await run('image', 'render', 'web:current', 'initrd')
    return version
  }
  const importVersion = async ({ directory }: ServedSite, text: string) => {
    const source = join(directory, 'source')
    const files = { 'boot/vmlinuz-6.1.0': `kernel of ${text}`, 'lib/modules/6.1.0/modules.dep': '', 'etc/text': text }
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(source, path, '..'), { recursive: true })
      await writeFile(join(source, path), content)
    }
    return (JSON.parse(await run('image', 'import', 'web', '--directory', source, '--json')) as { id: string }).id
  }
  await put('the first')
  await run('machine', 'set', 'rack-1', '--mac', mac)
  await run('ramroot', 'rack-1', '--image', 'web:current', '--as', 'initrd')
  const machine = new RamrootMachine({ directory: site.directory, ...networks }, parseMac(mac))
  t.after(() => machine.stop())
  const command = async (...words: string[]) => JSON.parse(await run(...words)) as Update
  const isDone = () =>
    waitFor(
      async () => (await command('update', 'show', '--json')).state === 'done',
      () => 'the update to be done',
    )
  const update = () => run('update', 'rack-1', '--no-follow')
  return { site, machine, put, update, isDone, command }
}

/** What the machine must have been given, as it lies in the repository. */
async function filesOf({ directory }: ServedSite, version: string) {
  const place = join(directory, 'images/versions', version, 'ramroot/initrd')
  const index = JSON.parse(await readFile(join(place, 'index.json'), 'utf8')) as { initrds: string[] }
  assert.ok((await readdir(place)).includes('vmlinuz'))
  const archives = await Promise.all(index.initrds.map((name) => readFile(join(place, name))))
  const padded = [...archives, Buffer.from(earlyText)].map((archive) =>
    Buffer.concat([archive, Buffer.alloc((4 - (archive.length % 4)) % 4)]),
  )
  return { kernel: await readFile(join(place, 'vmlinuz')), initrd: Buffer.concat(padded) }
}

async function waitFor(condition: () => Promise<boolean>, what: () => string): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `did not happen in 60 s: ${what()}`)
    await wait(200)
  }
}
