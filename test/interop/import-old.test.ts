import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { parseMac } from '../../src/bytes/mac.ts'
import type { MachinesFile } from '../../src/cli/machines-file.ts'
import type { BootRecord } from '../../src/core/machine.ts'
import { makeClientPacket } from '../../src/dhcp/client-packet.ts'
import { decodeMessage } from '../../src/dhcp/message.ts'
import type { SiteFile } from '../../src/dhcp/site-file.ts'
import type { ImportContext } from '../../src/importers/imported.ts'
import { askedByFirmware, fromPool, itself, type OldServer } from '../../src/importers/old-server.ts'
import { RehearsedDhcpd } from '../../src/importers/rehearse-dhcpd.ts'
import { RehearsedDnsmasq } from '../../src/importers/rehearse-dnsmasq.ts'
import type { AskerSettings, Heard, Question } from './dhcp/asker.ts'
import { type DhcpBench, openDhcpBench, until } from './dhcp/bench.ts'
import { startPeer } from './dhcp/peer.ts'

const launcher = join(import.meta.dirname, '../../bin/bootwright-node')
const bootwright = join(import.meta.dirname, '../../bin/bootwright')
const asker = join(import.meta.dirname, 'dhcp/asker.ts')
const fixtures = join(import.meta.dirname, '../fixtures/old-configurations')
const context: ImportContext = {
  read: (path) => readFileSync(path, 'utf8'),
  list: (path) => readdirSync(path).sort(),
  interfaces: {},
}
const twoMinutes = { timeout: 120_000 }

/** For one program: it is in that directory, `etc` there lies over the machine's own, and there is a /srv/tftp. */
function asOldMachine(directory: string): string[] {
  const mounts = `mount -t overlay none -o lowerdir=${directory}/etc:/etc /etc && mount -t tmpfs none /srv && mkdir /srv/tftp`
  return ['unshare', '--mount', 'sh', '-c', `${mounts} && cd ${directory} && exec "$@"`, 'sh']
}

/** The old server's end of the cable as its files know it. */
async function openOldNetwork(t: TestContext, address: string): Promise<DhcpBench | undefined> {
  const bench = await openDhcpBench(t)
  if (!bench) return undefined
  const name = bench.server.interface
  for (const values of [
    ['link', 'set', name, 'down'],
    ['link', 'set', name, 'name', 'eth1'],
    ['addr', 'flush', 'dev', 'eth1'],
    ['addr', 'add', address, 'dev', 'eth1'],
    ['link', 'set', 'eth1', 'up'],
  ]) {
    const { code, stderr } = await bench.server.run('ip', values)
    assert.equal(code, 0, stderr)
  }
  return bench
}

async function ask(bench: DhcpBench, questions: Question[], control: Question): Promise<(Heard | null)[]> {
  const settings: AskerSettings = { interface: bench.client.interface, questions, control }
  const { stdout, stderr } = await bench.client.run(launcher, [asker, JSON.stringify(settings)], { timeoutMs: 90_000 })
  assert.notEqual(stdout, '', stderr)
  return JSON.parse(stdout) as (Heard | null)[]
}

/** Imports by the command line and serves the result. Addresses are not asked for first, as the old servers here do not. */
async function serveImported(bench: DhcpBench, kind: string, file: string, wrapper: string[], values: string[] = []) {
  const output = join(bench.directory, 'migrated')
  const command = [...wrapper, bootwright, 'import', kind, file, '--output', output, ...values]
  const { code, stderr } = await bench.server.run(command[0]!, command.slice(1))
  assert.equal(code, 0, stderr)
  const site = parse(await readFile(join(output, 'site.yaml'), 'utf8')) as SiteFile
  const { files: _, ...rest } = site
  const subnets = site.subnets?.map((subnet) => ({ ...subnet, probeMs: 0 }))
  const siteFile = join(bench.directory, 'site.yaml')
  await writeFile(siteFile, JSON.stringify({ ...rest, subnets }))
  const { machines } = parse(await readFile(join(output, 'machines.yaml'), 'utf8')) as MachinesFile
  const records = machines.map(
    ({ name, macs = [], address, group = 'default' }): BootRecord => ({
      ...{ id: name, name, macs: macs.map(parseMac), group, intent: { kind: 'local', revision: 0 } },
      ...(address !== undefined && { address }),
    }),
  )
  await bench.serve({ siteFile, machines: records })
}

/** The firmware and systems each machine is asked as. */
const clients: Omit<Question, 'mac'>[] = [
  { who: 'BIOS', architecture: 0 },
  { who: 'UEFI', architecture: 7 },
  { who: 'iPXE', architecture: 7, isIpxe: true },
  { who: 'Mac', vendorClass: 'AAPLBSDPC/i386/MacBookPro' },
  { who: 'Linux', vendorClass: 'udhcp 1.36' },
]

function questionsFor(machines: Record<string, string>, as = clients): Question[] {
  return Object.entries(machines).flatMap(([name, mac]) =>
    as.map((client) => ({ ...client, mac, who: `${name} as ${client.who}` })),
  )
}

/** What is said beside what the old server said; docs/migrating.md has why. */
const saidBeside = new Set(['12', '28', '58', '59', '66', '175'])

/**
 * One line for each thing that is not as it was: `WHO: WHAT: OLD → NEW`. Unknown machines may get any address of the
 * pool; `leftOut` are options that the import says it does not take.
 */
function differences(
  questions: readonly Question[],
  [old, ours]: readonly [(Heard | null)[], (Heard | null)[]],
  leftOut: readonly string[] = [],
): string[] {
  return questions.flatMap(({ who }, index) => {
    const [before, after] = [told(old[index]), told(ours[index])]
    const isExplained = (name: string) =>
      (saidBeside.has(name) && !before[name]) ||
      (leftOut.includes(name) && !after[name]) ||
      (name === 'address' && who.startsWith('unknown'))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((name) => before[name] !== after[name] && !isExplained(name))
      .map((name) => `${who}: ${name}: ${before[name] ?? '-'} → ${after[name] ?? '-'}`)
  })
}

/** What a client learns, whichever way it is told: a boot file may stand in the field or in option 67. */
function told(heard: Heard | null | undefined): Record<string, string> {
  if (!heard) return { answer: 'none' }
  const { 67: bootFile, 66: server, ...options } = heard.options
  const text = (hex: string | undefined) =>
    Buffer.from(hex ?? '', 'hex')
      .toString('latin1')
      .replace(/\0+$/, '')
  return {
    ...options,
    address: heard.yiaddr,
    bootFile: heard.file || text(bootFile),
    siaddr: heard.siaddr,
    66: text(server),
  }
}

/** What the rehearsal says the old server answers, where that is not what it did. */
function misremembered(old: OldServer, questions: readonly Question[], before: readonly (Heard | null)[]): string[] {
  return questions.flatMap((question, index) => {
    const { who, isIpxe = false, ...packet } = question
    const client = { ...packet, isIpxe, mac: parseMac(question.mac) }
    const { options } = decodeMessage(makeClientPacket({ ...client, type: 'discover' }))
    const answer = old.answer({ mac: client.mac, options, subnet: old.subnets[0]! })
    const said = answer.kind === 'answer' ? answer.told : {}
    const heard = before[index]
    const isPool = said.address?.text === fromPool
    const real: Record<string, string> = heard ? { ...told(heard), address: isPool ? fromPool : heard.yiaddr } : {}
    return rememberedNames.flatMap(([name, field]) => {
      const text = said[name]?.text ?? ''
      const isOption = /^\d/.test(field)
      const given = isOption ? Buffer.from(real[field] ?? '', 'hex').toString('latin1') : (real[field] ?? '')
      const expected = name === 'server' && (given === '0.0.0.0' || text === itself) ? text : given
      return text === expected ? [] : [`${who}: ${name}: ${given || '-'}, rehearsed as ${text || answer.kind}`]
    })
  })
}

const rememberedNames = [
  ['address', 'address'],
  ['boot file', 'bootFile'],
  ['server', 'siaddr'],
  ['root path', '17'],
  ['209', '209'],
  ['210', '210'],
] as const

async function startDnsmasq(t: TestContext, bench: DhcpBench, file: string, wrapper: string[]) {
  const values = ['-d', '-C', file, '--no-ping', '--user=root']
  const leases = `--dhcp-leasefile=${join(bench.directory, 'old.leases')}`
  const dnsmasq = await startPeer(t, bench.server, 'dnsmasq', [...values, leases], wrapper)
  await until(
    () => dnsmasq.output().includes('DHCP, IP range'),
    () => dnsmasq.output(),
  )
  return dnsmasq
}

test('what dnsmasq answered and what is answered by its imported files', twoMinutes, async (t: TestContext) => {
  const bench = await openOldNetwork(t, '10.20.0.1/24')
  if (!bench) return
  const old = join(fixtures, 'dnsmasq')
  const wrapper = asOldMachine(old)
  const dnsmasq = await startDnsmasq(t, bench, join(old, 'dnsmasq.conf'), wrapper)
  const questions = questionsFor({
    node1: '52:54:00:20:00:01',
    node6: '52:54:00:20:00:06',
    pdu1: '00:1b:21:aa:00:02',
    ignored: '52:54:00:20:00:99',
    unknown: '52:54:00:20:00:aa',
  })
  const before = await ask(bench, questions, questions[0]!)
  dnsmasq.process.kill('SIGKILL')
  await once(dnsmasq.process, 'exit')
  await serveImported(bench, 'dnsmasq', join(old, 'dnsmasq.conf'), wrapper)
  const after = await ask(bench, questions, questions[0]!)
  // `dhcp-option=vendor:PXEClient,…`, with which dnsmasq repeats the class
  assert.deepEqual(differences(questions, [before, after], ['43', '60']), [])
  const etc: ImportContext = {
    ...context,
    read: (path) => context.read(path.startsWith('/etc/') ? join(old, path) : path),
  }
  assert.deepEqual(misremembered(new RehearsedDnsmasq(join(old, 'dnsmasq.conf'), etc), questions, before), [])
  const answered = questions.filter((_, index) => after[index]).map(({ who }) => who.split(' ')[0])
  assert.deepEqual([...new Set(answered)], ['node1', 'node6', 'pdu1', 'unknown'])
})

/** Starts it with that file, but for a failover peer without an address, and pings, where it was told neither. */
async function startDhcpd(t: TestContext, bench: DhcpBench, file: string) {
  const leases = join(bench.directory, 'old.leases')
  await writeFile(leases, '')
  const configuration = join(bench.directory, 'dhcpd.conf')
  const text = (await readFile(file, 'utf8')).replace(/^failover.*$/m, '')
  await writeFile(configuration, `ping-check false;\n${text}`)
  const values = ['-4', '-f', '-d', '--no-pid', '-cf', configuration, '-lf', leases, 'eth1']
  const dhcpd = await startPeer(t, bench.server, 'dhcpd', values)
  await until(
    () => dhcpd.output().includes('Server starting service'),
    () => dhcpd.output(),
  )
  return dhcpd
}

for (const [file, address, machines] of [
  [
    'two-groups.conf',
    '10.30.0.1/23',
    { web1: '52:54:00:30:00:01', db1: '52:54:00:30:00:21', db2: '52:54:00:30:00:22', unknown: '52:54:00:30:00:aa' },
  ],
  [
    'pc-and-mac.conf',
    '10.40.0.1/24',
    { mac1: '00:17:f2:00:00:01', pc1: '52:54:00:40:00:01', unknown: '52:54:00:40:00:aa' },
  ],
] as const) {
  test(`what dhcpd answered and what is answered by its imported ${file}`, twoMinutes, async (t: TestContext) => {
    const bench = await openOldNetwork(t, address)
    if (!bench) return
    const old = join(fixtures, 'dhcpd', file)
    const dhcpd = await startDhcpd(t, bench, old)
    const questions = questionsFor(machines)
    const before = await ask(bench, questions, questions[0]!)
    dhcpd.process.kill('SIGKILL')
    await once(dhcpd.process, 'exit')
    await serveImported(bench, 'dhcpd', old, [], ['--interface', 'eth1'])
    const after = await ask(bench, questions, questions[0]!)
    assert.deepEqual(differences(questions, [before, after]), [])
    assert.deepEqual(misremembered(new RehearsedDhcpd(old, context), questions, before), [])
    assert.ok(after.some((heard) => heard !== null))
  })
}

/** The machines of both files, by the end of the MAC. */
const scopedMachines = {
  ...{ a: '00:01', b: '00:02', c: '00:03', d: '00:04', e: '00:05', listed: '00:09' },
  ...{ star: '01:01', unknown: '00:10' },
}

for (const [name, file, start, Old] of [
  [
    'RehearsedDhcpd answers as dhcpd does: scopes, classes, pools and conditions',
    'dhcpd/scopes.conf',
    startDhcpd,
    RehearsedDhcpd,
  ],
  [
    'RehearsedDnsmasq answers as dnsmasq does: tags, ranges, hosts and later lines',
    'dnsmasq/tags.conf',
    startDnsmasq,
    RehearsedDnsmasq,
  ],
] as const) {
  test(name, twoMinutes, async (t: TestContext) => {
    const bench = await openOldNetwork(t, '10.50.0.1/24')
    if (!bench) return
    const path = join(fixtures, file)
    await start(t, bench, path, asOldMachine(join(fixtures, 'dnsmasq')))
    const macs = Object.entries(scopedMachines).map(([who, end]) => [who, `52:54:00:50:${end}`])
    const further = [
      { who: 'UEFI HTTP', architecture: 16 },
      { who: 'BIOS with a list', architecture: 0, parameters: askedByFirmware },
    ]
    const questions = questionsFor(Object.fromEntries(macs), [...clients, ...further])
    const before = await ask(bench, questions, questions[0]!)
    const etc = { ...context, read: (path: string) => (path.startsWith('/etc/') ? '' : context.read(path)) }
    assert.deepEqual(misremembered(new Old(path, etc), questions, before), [])
    assert.ok(before.some((heard) => heard === null))
  })
}
