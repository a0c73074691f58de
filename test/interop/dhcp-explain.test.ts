import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDhcpBench, until } from './dhcp/bench.ts'

const bootwright = join(import.meta.dirname, '../../bin/bootwright')
const oneMinute = { timeout: 60_000 }

const questions: [criterion: string, values: string[], expected: RegExp][] = [
  [
    'UEFI',
    ['--arch', 'uefi-x64'],
    /^bw-server: offered 10\.99\.0\.128 \(free in the pool\) and ipxe\/snponly\.efi because option 93 = 7 and no iPXE user class, once .*; to 10\.99\.0\.128, port 68$/m,
  ],
  [
    'iPXE',
    ['--arch', 'bios', '--ipxe'],
    /and http:\/\/10\.99\.0\.1:4280\/boot\.ipxe because iPXE asks: option 77 = iPXE/,
  ],
  ['an operating system', ['--vendor-class', 'udhcp 1.35'], /no boot file because option 60 names no boot firmware/],
  ['a relayed machine', ['--giaddr', '10.98.0.1'], /^bw-server: offered 10\.98\.0\.128 .*; to 10\.98\.0\.1, port 67$/m],
  ['a relay of nobody', ['--giaddr', '10.97.0.1'], /ignored: its relay, 10\.97\.0\.1, is on no subnet served here/],
  ['BOOTP', ['--type', 'bootp'], /ignored: a BOOTP client without a reservation/],
]

test('bootwright explain says what would be answered and why', oneMinute, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const siteFile = join(bench.directory, 'site.yaml')
  await writeFile(siteFile, 'interfaces: { bw-server: { mode: authoritative } }\nsubnets: [{ subnet: 10.98.0.0/24 }]\n')
  for (const [criterion, values, expected] of questions) {
    const all = ['explain', '--config', siteFile, '--mac', '52:54:00:00:00:09', ...values]
    const { stdout, stderr } = await bench.server.run(bootwright, all)
    assert.match(stdout, expected, `${criterion}: ${stderr}`)
  }
})

test('bootwright listen shows what it hears and what we would answer', oneMinute, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const values = ['listen', '--interface', bench.server.interface, '--count', '1', '--data', bench.directory]
  const listener = spawn(...bench.server.command(bootwright, ...values), { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => listener.kill('SIGKILL'))
  let heard = ''
  listener.stdout.on('data', (text: Buffer) => {
    heard += text.toString('utf8')
  })
  const ended = once(listener, 'exit')
  let isListening = false
  listener.stderr.on('data', (text: Buffer) => {
    isListening ||= text.toString('utf8').includes('listening on')
  })
  await until(
    () => isListening,
    () => 'the listener to begin',
  )
  const client = spawn(
    ...bench.client.command('udhcpc', '-i', bench.client.interface, '-f', '-t', '30', '-T', '1', '-s', '/bin/true'),
  )
  t.after(() => client.kill('SIGKILL'))
  await ended
  assert.match(
    heard,
    /0\.0\.0\.0 → 255\.255\.255\.255 {2}DISCOVER from [0-9a-f:]{17}: option 60 names no boot firmware: "udhcp/,
  )
  assert.match(heard, /^ +we: offered 10\.99\.0\.128 \(free in the pool\); no boot file/m)
})
