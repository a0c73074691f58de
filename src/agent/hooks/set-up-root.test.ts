import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { ProgressReport } from '../../core/agent-protocol.ts'
import type { DeploymentSetup, Hook, InjectedFile } from '../../core/setup.ts'
import type { DeployContext } from '../deploy-context.ts'
import type { Filesystems, OtherFilesystem } from '../disk/filesystems.ts'
import { loopDisk } from '../disk/loop-disk.fixture.ts'
import { StepReporter } from '../step-reporter.ts'
import { setUpRoot } from './set-up-root.ts'

const scope = { kind: 'group', name: 'web' } as const
const filesystems = { root: {}, others: [] } as unknown as Filesystems
const after = (script: string, timeoutSeconds = 20): Hook => ({
  ...{ scope, point: 'after-write', script: `#!/bin/sh\n${script}\n`, timeoutSeconds },
})
const file = (path: string, text: string, more: Partial<InjectedFile> = {}): InjectedFile => ({
  ...{ scope, path, text, mode: 0o644, owner: 'root:root', ...more },
})

/** A root filesystem with busybox and nothing else; undefined where none can be made or entered. */
function makeRoot(t: TestContext): string | undefined {
  const missing = process.getuid?.() !== 0 ? 'not root' : existsSync('/usr/bin/busybox') ? undefined : 'no busybox'
  if (missing !== undefined) {
    if (process.env.REQUIRE_INTEROP === '1') throw new Error(missing)
    return void t.skip(missing)
  }
  const root = mkdtempSync(join(tmpdir(), 'hook-root-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const name of ['bin', 'etc', 'root', 'tmp']) mkdirSync(join(root, name))
  copyFileSync('/usr/bin/busybox', join(root, 'bin/busybox'))
  for (const name of [
    'sh',
    'id',
    'mkdir',
    'ls',
    'setsid',
    'sleep',
    'ps',
    'mount',
    'env',
    'cat',
    'seq',
    'touch',
    'chown',
  ]) {
    symlinkSync('busybox', join(root, 'bin', name))
  }
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nweb:x:1234:99::/:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nstaff:x:50:\n')
  return root
}

function makeContext(rootDirectory: string, setup: Partial<DeploymentSetup>, signal = new AbortController().signal) {
  const reports: ProgressReport[] = []
  const reporter = new StepReporter(
    'd1',
    async (report) => void reports.push(report),
    (error) => {
      throw error
    },
  )
  const context = {
    ...{ rootDirectory, reporter, signal },
    setup: { hooks: [], variables: [], files: [], ...setup },
  } as unknown as DeployContext
  return { context, reports, lines: () => reports.flatMap(({ output }) => output?.lines ?? []) }
}

const mountsUnder = (directory: string) =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(directory))

test('setUpRoot() runs an after-write hook inside the new root, with its variables and nothing of the agent', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  process.env.OF_THE_AGENT = 'x'
  const variables = [
    { name: 'machine.name', value: 'web-1', secret: false },
    { name: 'password', value: 'hunter22', secret: true },
  ]
  const script = [
    'echo "on $BOOTWRIGHT_MACHINE_NAME as $BOOTWRIGHT_POINT of $BOOTWRIGHT_DISK: $(id -u) in $(pwd)"',
    'echo "password $BOOTWRIGHT_VAR_PASSWORD, agent [$OF_THE_AGENT]" >&2',
    'echo "$BOOTWRIGHT_VAR_PASSWORD" >/root/password; test -e /proc/self && test -e /dev/null && test -d /sys/class',
  ].join('\n')
  const { context, reports, lines } = makeContext(root, { hooks: [after(script)], variables })
  await setUpRoot(context, '/dev/vda', filesystems)
  await context.reporter.delivered()
  t.assert.deepEqual(lines().toSorted(), [
    'on web-1 as after-write of /dev/vda: 0 in /',
    'password [password], agent []',
  ])
  t.assert.equal(readFileSync(join(root, 'root/password'), 'utf8'), 'hunter22\n')
  t.assert.deepEqual(
    [reports[0]?.step, reports.at(-1)?.state, reports.at(-1)?.detail],
    ['after-write', 'done', 'the group web'],
  )
  t.assert.deepEqual(mountsUnder(root), [], 'nothing stays mounted')
  t.assert.deepEqual(readdirSync(join(root, 'run')), [], 'the script is gone')
})

test('setUpRoot() fails at after-write with the last words of the hook, and runs no other', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  const hooks = [after('echo begun; echo "no licence server" >&2; exit 3'), after('touch /never')]
  const { context } = makeContext(root, { hooks })
  await t.assert.rejects(setUpRoot(context, '/dev/vda', filesystems), (error: Error & { step?: string }) => {
    t.assert.equal(error.step, 'after-write')
    t.assert.match(error.message, /^the after-write hook of the group web ended with code 3: /)
    t.assert.match(error.message, /no licence server/)
    return true
  })
  t.assert.equal(existsSync(join(root, 'never')), false)
  t.assert.deepEqual(mountsUnder(root), [])
})

test('setUpRoot() kills a hook at its time limit, with what it started and what it mounted', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  const mark = `97531.${process.pid}`
  const script = `mount -t tmpfs none /tmp\necho slow\nsetsid sleep ${mark} &\nsleep ${mark}`
  const { context } = makeContext(root, { hooks: [after(script, 1)] })
  const startedAt = performance.now()
  const failing = setUpRoot(context, '/dev/vda', filesystems)
  await t.assert.rejects(failing, /did not end within 1 s and was killed: slow/)
  t.assert.equal(performance.now() - startedAt < 10_000, true)
  await untilGone(mark)
  t.assert.deepEqual(mountsUnder(root), [])
})

test('setUpRoot() leaves no process of a hook that ended well', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  const mark = `86420.${process.pid}`
  const { context } = makeContext(root, { hooks: [after(`setsid sleep ${mark} >/dev/null 2>&1 &\nexit 0`)] })
  await setUpRoot(context, '/dev/vda', filesystems)
  await untilGone(mark)
})

test('setUpRoot() ends a hook when the deployment is cancelled', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  const stop = new AbortController()
  const { context, lines } = makeContext(root, { hooks: [after('echo up; sleep 600', 700)] }, stop.signal)
  const failing = t.assert.rejects(setUpRoot(context, '/dev/vda', filesystems), /cancelled/)
  const deadline = Date.now() + 10_000
  while (lines().length === 0 && Date.now() < deadline) await wait(20)
  stop.abort(new Error('cancelled'))
  await failing
  t.assert.deepEqual(mountsUnder(root), [])
})

test('setUpRoot() follows no link of the image out of the root, for scripts, mounts or files', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  const outside = mkdtempSync(join(tmpdir(), 'outside-'))
  t.after(() => rmSync(outside, { recursive: true }))
  writeFileSync(join(outside, 'victim'), 'untouched')
  symlinkSync(outside, join(root, 'run'))
  symlinkSync(join(outside, 'proc'), join(root, 'proc'))
  symlinkSync(outside, join(root, 'srv'))
  symlinkSync(join(outside, 'victim'), join(root, 'etc/motd'))
  const files = [file('/etc/motd', 'ours'), file('/srv/page', 'page')]
  const { context, lines } = makeContext(root, { hooks: [after('echo ran')], files })
  await setUpRoot(context, '/dev/vda', filesystems)
  await context.reporter.delivered()
  t.assert.deepEqual(lines(), ['ran'])
  t.assert.deepEqual(readdirSync(outside), ['victim'])
  t.assert.equal(readFileSync(join(outside, 'victim'), 'utf8'), 'untouched')
  t.assert.equal(readFileSync(join(root, 'etc/motd'), 'utf8'), 'ours')
  t.assert.equal(readFileSync(join(root, outside, 'page'), 'utf8'), 'page')
})

test('setUpRoot() gives files their mode and owner, before the hooks run', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  const files = [
    file('/etc/app/secret', 'hunter22', { mode: 0o600 }),
    file('/home/web/.profile', 'x', { mode: 0o640, owner: 'web:staff' }),
    file('/home/web/other', 'x', { owner: '7:8' }),
  ]
  const { context, reports } = makeContext(root, { files, hooks: [after('cat /etc/app/secret >/root/copy')] })
  await setUpRoot(context, '/dev/vda', filesystems)
  await context.reporter.delivered()
  const shown = files.map(({ path }) => {
    const { mode, uid, gid } = statSync(join(root, path))
    return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`
  })
  t.assert.deepEqual(shown, ['600 0:0', '640 1234:50', '644 7:8'])
  t.assert.equal(readFileSync(join(root, 'root/copy'), 'utf8'), 'hunter22')
  const done = reports.find(({ step, state }) => step === 'files' && state === 'done')
  t.assert.equal(done?.detail, '/etc/app/secret, /home/web/.profile, /home/web/other')
})

test('setUpRoot() reaches what the system mounts beside its root', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  const loop = loopDisk(t, 64 * 2 ** 20, 512)
  if (loop === undefined) return
  const { device } = loop.attach()
  execFileSync('mkfs.ext4', ['-q', '-F', device])
  const where = { device, uuid: '', type: 'ext4', mount: '/home' }
  const home: OtherFilesystem = { role: 'data', content: 'made', ...where }
  const { context } = makeContext(root, { files: [file('/home/a', 'file')], hooks: [after('echo hook >/home/b')] })
  await setUpRoot(context, '/dev/vda', { ...filesystems, others: [home] })
  t.assert.deepEqual(readdirSync(join(root, 'home')), [], 'nothing is hidden by it later')
  execFileSync('mount', [device, join(root, 'home')])
  const found = ['a', 'b'].map((name) => readFileSync(join(root, 'home', name), 'utf8'))
  execFileSync('umount', [join(root, 'home')])
  t.assert.deepEqual(found, ['file', 'hook\n'])
})

test('setUpRoot() names a user that the image does not have', async (t) => {
  const root = makeRoot(t)
  if (root === undefined) return
  const { context } = makeContext(root, { files: [file('/x', '', { owner: 'nobody-here:root' })] })
  await t.assert.rejects(
    setUpRoot(context, '/dev/vda', filesystems),
    /Cannot give \/x to the user nobody-here: \/etc\/passwd of the image has none of that name; use a number/,
  )
})

test('setUpRoot() does and tells nothing where there is nothing to do', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'hook-root-'))
  t.after(() => rmSync(root, { recursive: true }))
  const before: Hook = { ...after(''), point: 'before-partition' }
  const { context, reports } = makeContext(root, { hooks: [before] })
  await setUpRoot(context, '/dev/vda', filesystems)
  t.assert.deepEqual([reports, readdirSync(root)], [[], []])
})

async function untilGone(mark: string): Promise<void> {
  const deadline = Date.now() + 5000
  while (execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(mark)) {
    if (Date.now() > deadline) throw new Error(`a process of the hook is still there (${mark})`)
    await wait(50)
  }
}
