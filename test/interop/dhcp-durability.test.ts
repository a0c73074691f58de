import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseIpv4 } from '../../src/bytes/ipv4.ts'
import { readLeaseJournal } from '../../src/store/lease-journal.ts'
import { type DhcpBench, openDhcpBench, until } from './dhcp/bench.ts'
import type { BurstAck } from './dhcp/burst.ts'

const manyAddresses = {
  subnet: '10.99.0.0/16',
  overrides: { probeMs: 0, pools: [{ first: parseIpv4('10.99.16.0'), last: parseIpv4('10.99.255.254') }] },
}

function missingLeases(bench: DhcpBench, acks: BurstAck[]): BurstAck[] {
  const leases = new Map(readLeaseJournal(bench.leaseFile).map((lease) => [lease.address, lease]))
  return acks.filter(({ address, mac }) => {
    const lease = leases.get(parseIpv4(address))
    return lease?.client !== mac || lease.expiresAt <= Date.now()
  })
}

test('a server killed with SIGKILL in a burst has every lease it acknowledged in its journal', {
  timeout: 90_000,
}, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  for (const killAfter of [1, 200, 1500]) {
    const served = await bench.serve(manyAddresses)
    const { acks, process } = bench.burst({ clients: 20_000, concurrency: 100 })
    await until(
      () => acks.length >= killAfter,
      () => `${acks.length} of ${killAfter} acknowledgements`,
    )
    await served.end('SIGKILL')
    process.kill('SIGTERM')
    assert.deepEqual(missingLeases(bench, acks), [], `of ${acks.length}`)
    t.diagnostic(`killed after ${acks.length} acknowledgements: all in the journal`)
  }
})

test('after SIGKILL the same clients get the same addresses', { timeout: 90_000 }, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const addresses: Map<string, string>[] = []
  for (const _ of ['before', 'after']) {
    const served = await bench.serve(manyAddresses)
    const { acks, ended } = bench.burst({ clients: 100, concurrency: 20 })
    await ended
    await served.end('SIGKILL')
    addresses.push(new Map(acks.map(({ mac, address }) => [mac, address])))
  }
  assert.equal(addresses[0]!.size, 100)
  assert.deepEqual([...addresses[1]!].sort(), [...addresses[0]!].sort())
})

test('a lease that cannot be written is not acknowledged', { timeout: 60_000 }, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const served = await bench.serve(manyAddresses)
  const limitFiles = (bytes: string) => {
    execFileSync('prlimit', ['--pid', String(served.process.pid), `--fsize=${bytes}:unlimited`])
  }
  limitFiles('2000')
  const { acks, ended } = bench.burst({ clients: 1, concurrency: 1 })
  await until(
    () => served.story.length >= 2,
    () => served.story.join('; '),
  )
  assert.match(
    served.story[1]!,
    /^REQUEST → failed: Cannot write to the lease journal .*: EFBIG: file too large, write$/,
  )
  assert.equal(acks.length, 0)
  limitFiles('unlimited')
  await ended
  assert.equal(acks.length, 1, 'it asks again, and the lease can be written now')
})

test('the lease is synced to disk before its ACK leaves, as the system calls show', {
  timeout: 90_000,
}, async (t: TestContext) => {
  const bench = await openDhcpBench(t)
  if (!bench) return
  const trace = join(bench.directory, 'trace')
  const calls = 'trace=fsync,fdatasync,pwrite64,sendto,sendmsg,sendmmsg'
  // -D: the server is our child and strace its grandchild, so that signals reach the server.
  const served = await bench.serve(manyAddresses, [
    'strace',
    '-D',
    '-f',
    '-y',
    '-xx',
    '-s',
    '600',
    '-e',
    calls,
    '-o',
    trace,
  ])
  const { acks, ended } = bench.burst({ clients: 5, concurrency: 1 })
  await ended
  await served.end('SIGTERM')
  const exited = `${served.process.pid} +++ exited`
  await until(
    () => readFileSync(trace, 'utf8').replaceAll('  ', ' ').includes(exited),
    () => 'the end of the trace',
  )
  assert.equal(acks.length, 5)
  const story = readTrace(await readFile(trace, 'utf8'))
  assert.equal(story.filter((step) => step === 'ACK').length, 5)
  story.forEach((step, index) => {
    if (step !== 'ACK') return
    const since = story.slice(story.lastIndexOf('OFFER', index), index)
    const written = since.indexOf('write')
    assert.ok(written >= 0 && since.lastIndexOf('synced') > written, `before ACK: ${since.join(', ')}`)
    assert.ok(since.lastIndexOf('synced') > since.lastIndexOf('write'), `written after the sync: ${since.join(', ')}`)
  })
})

/** `.journal>` as strace -xx writes the end of a descriptor's path. */
const journalName = String.raw`\x2e\x6a\x6f\x75\x72\x6e\x61\x6c>`

/** The trace as steps: writes of the journal, its syncs when they have returned, and OFFERs and ACKs as they are sent. */
function readTrace(text: string): string[] {
  const waiting = new Set<string>()
  const steps: string[] = []
  for (const line of text.split('\n')) {
    const thread = line.split(' ', 1)[0]!
    const isJournal = line.includes(journalName)
    const isSync = /\bf(data)?sync\(/.test(line) && isJournal
    if (/\bpwrite64\(/.test(line) && isJournal) steps.push('write')
    if (isSync && line.includes('<unfinished')) waiting.add(thread)
    else if (isSync || (/<\.\.\. f(data)?sync resumed/.test(line) && waiting.delete(thread))) steps.push('synced')
    const type = /\bsend(to|msg|mmsg)\(.*\\x63\\x82\\x53\\x63\\x35\\x01\\x0([25])/.exec(line)?.[2]
    if (type) steps.push(type === '2' ? 'OFFER' : 'ACK')
  }
  return steps
}
