import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { InsideRoot } from '../inside-root.ts'
import { planFallback } from './plan-fallback.ts'

const kernel = { version: '6.1.0-1-amd64', kernel: 'vmlinuz-6.1.0-1-amd64', initrd: undefined }
const unit = 'etc/systemd/system/bootwright-watchdog.service'

function setUp(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'bootwright-watchdog-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const place = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text, { mode })
  }
  place('sys/module/watchdog/parameters/stop_on_reboot', '0\n')
  place('root/usr/lib/systemd/systemd', '', 0o755)
  const modules = 'root/usr/lib/modules/6.1.0-1-amd64'
  place(`${modules}/modules.builtin`, 'kernel/drivers/watchdog/other.ko\n')
  place(
    `${modules}/modules.dep`,
    'kernel/drivers/watchdog/i6300esb.ko: kernel/drivers/watchdog/watchdog.ko\nkernel/a.ko: kernel/drivers/watchdog/hpwdt.ko\n',
  )
  const addWatchdog = (name: string, driver: string) => {
    mkdirSync(join(directory, 'sys/module', driver), { recursive: true })
    mkdirSync(join(directory, 'sys/class/watchdog', name, 'device/driver'), { recursive: true })
    symlinkSync(
      join(directory, 'sys/module', driver),
      join(directory, 'sys/class/watchdog', name, 'device/driver/module'),
    )
  }
  const root = join(directory, 'root')
  const plan = () => planFallback(new InsideRoot(root), kernel, join(directory, 'sys'))
  return { place, plan, addWatchdog, root, directory }
}

test('planFallback() takes the watchdog whose driver the deployed kernel has, and has its first boot load it', (t) => {
  const { plan, addWatchdog, root } = setUp(t)
  addWatchdog('watchdog0', 'iTCO_wdt')
  addWatchdog('watchdog1', 'i6300esb')
  assert.deepEqual(plan(), { kind: 'watchdog', watchdog: { device: '/dev/watchdog1', driver: 'i6300esb' } })
  assert.match(readFileSync(join(root, unit), 'utf8'), /modprobe i6300esb; rm -f /)
  const wanted = join(root, 'etc/systemd/system/multi-user.target.wants/bootwright-watchdog.service')
  assert.equal(readlinkSync(wanted), `/${unit}`)
})

test('planFallback() finds none where there is none, or it is made of software', (t) => {
  const { plan, directory } = setUp(t)
  assert.match(JSON.stringify(plan()), /no hardware watchdog/)
  mkdirSync(join(directory, 'sys/class/watchdog/watchdog0'), { recursive: true })
  assert.match(JSON.stringify(plan()), /no hardware watchdog/)
})

test('planFallback() knows a watchdog whose driver does not link its device', (t) => {
  const { plan, place } = setUp(t)
  place('sys/class/watchdog/watchdog0/identity', 'Software Watchdog\n')
  assert.match(JSON.stringify(plan()), /no hardware watchdog/)
  place('sys/class/watchdog/watchdog1/identity', 'i6300ESB timer\n')
  assert.deepEqual(plan(), { kind: 'watchdog', watchdog: { device: '/dev/watchdog1', driver: 'i6300esb' } })
})

test('planFallback() leaves a watchdog alone that the deployed system could not take over', (t) => {
  const { plan, addWatchdog, root } = setUp(t)
  addWatchdog('watchdog0', 'hpwdt') // named in modules.dep, but only as what another module needs
  assert.deepEqual(plan(), {
    kind: 'none',
    reason: "the deployed kernel has no driver of this machine's watchdog (hpwdt)",
  })
  assert.equal(existsSync(join(root, unit)), false)
})

test('planFallback() refuses watchdogs that end with the kernel, and images without systemd', (t) => {
  const { plan, addWatchdog, place, root } = setUp(t)
  addWatchdog('watchdog0', 'i6300esb')
  rmSync(join(root, 'usr/lib/systemd'), { recursive: true })
  assert.match(JSON.stringify(plan()), /no systemd/)
  place('sys/module/watchdog/parameters/stop_on_reboot', '-1\n')
  assert.match(JSON.stringify(plan()), /stop them when this kernel ends/)
})
