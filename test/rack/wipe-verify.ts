import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { Errand, WipeMethod, WipeWork } from '../../src/core/errand.ts'
import type { Machine } from '../../src/core/machine.ts'
import type { WipeRecord, WipeResult } from '../../src/core/wipe-record.ts'
import { DeafDisk } from '../../src/rack/deaf-disk.ts'
import { NbdServer } from '../../src/rack/nbd-server.ts'

const diskBytes = 64 * 2 ** 20
const pieceBytes = 512
const wipeTimeoutMs = 6 * 60_000

export const rackCase: RackCase = {
  name: 'wipe-verify',
  describe:
    'disks of four kinds are wiped, of which the host finds nothing; a format and a disk that lie are no success',
  set: 'default',
  run,
}

/** Whatever the disks say: what the host finds in their files is compared with this. */
type FullDisk = { serial: string; data: Buffer; now: () => Promise<Buffer> }

async function run(site: RackSite): Promise<CaseFigures> {
  const files = await Promise.all(['VIRTIO', 'NVME', 'SATA', 'LIAR'].map((serial) => makeFullDisk(site, serial)))
  const deaf = new DeafDisk(randomFillSync(Buffer.alloc(diskBytes)), ['writes', 'zeros'])
  const deafData = Buffer.from(deaf.bytes)
  const socketPath = join(site.rack.directory, 'deaf.nbd')
  await using _server = await NbdServer.listen(socketPath, deaf)
  const [virtio, nvme, sata, liar] = files.map(({ path, serial }) => ({ path, serial, format: 'raw' as const }))
  const machine = await site.addMachine({
    name: 'wipe-1',
    firmware: 'bios',
    disks: [
      virtio!,
      { ...nvme!, bus: 'nvme' },
      { ...sata!, bus: 'sata' },
      { ...liar!, bus: 'scsi', ignoresDiscard: true },
      { path: socketPath, format: 'nbd', serial: 'DEAF' },
    ],
  })
  const lie = await order(site, { serial: 'LIAR' }, 'format')
  const secondsToAgent = await site.bootAgent(machine)
  await expectLieFound(await ended(site, lie))
  assert.equal(await piecesLeft(files[0]!), diskBytes / pieceBytes, 'other disks are not touched')
  const kept = await ended(site, await order(site, { serial: 'DEAF' }, 'auto'))
  assert.deepEqual([kept.state, kept.step], ['failed', 'plant-canaries'])
  assert.match(kept.failure ?? '', /NOT erased.*acknowledges writes and does not keep them/)
  deaf.deafTo = new Set()
  const all = await ended(site, await order(site, 'all', 'auto'))
  assert.equal(all.state, 'done', all.failure ?? '')
  expectMethods((all.result as WipeResult).disks)
  for (const disk of [...files, { serial: 'DEAF', data: deafData, now: async () => deaf.bytes }]) {
    assert.equal(await piecesLeft(disk), 0, `what was on ${disk.serial} before`)
  }
  const { machine: after } = await site.client.request<{ machine: Machine & { state: string } }>(
    'GET',
    '/api/v1/machines/wipe-1',
  )
  assert.deepEqual([after.intent.kind, after.standing.kind, after.state], ['discover', 'discover', 'ready'])
  return figuresOf(all, secondsToAgent)
}

async function makeFullDisk({ rack }: RackSite, serial: string): Promise<FullDisk & { path: string }> {
  const path = join(rack.directory, `${serial}.raw`)
  const data = randomFillSync(Buffer.alloc(diskBytes))
  await writeFile(path, data)
  return { serial, path, data, now: () => readFile(path) }
}

async function piecesLeft({ data, now }: FullDisk): Promise<number> {
  const found = await now()
  assert.equal(found.length, data.length)
  let left = 0
  for (let at = 0; at < data.length; at += pieceBytes) {
    if (found.subarray(at, at + pieceBytes).equals(data.subarray(at, at + pieceBytes))) left++
  }
  return left
}

/** QEMU's SCSI disk takes FORMAT UNIT and does nothing. */
async function expectLieFound(lie: Errand): Promise<void> {
  assert.deepEqual([lie.state, lie.step], ['failed', 'verify'], lie.failure ?? '')
  assert.match(lie.failure ?? '', /LIAR\] is NOT erased: after SCSI format unit: byte 0 holds a canary/)
  assert.equal((lie.result as WipeResult).disks[0]?.attempts[0]?.outcome, 'not-erased')
}

function expectMethods(disks: readonly WipeRecord[]): void {
  const methods = disks.map(({ serial, attempts }) => [
    serial,
    attempts.map(({ method, outcome }) => `${method}: ${outcome}`).join(', '),
  ])
  assert.deepEqual(Object.fromEntries(methods), {
    VIRTIO: 'discard: erased',
    NVME: 'NVMe format, user data erase: erased',
    SATA: 'overwriting with zeros: erased',
    LIAR: 'discard: not-erased, overwriting with zeros: erased',
    DEAF: 'discard: erased',
  })
}

async function order({ client }: RackSite, disks: WipeWork['disks'], method: WipeMethod): Promise<string> {
  const body = { machine: 'wipe-1', work: { kind: 'wipe', disks, method } }
  return (await client.request<{ errand: Errand }>('POST', '/api/v1/errands/', body)).errand.id
}

async function ended({ client, timeline, log }: RackSite, id: string): Promise<Errand> {
  await timeline.waitFor(
    ({ errandId, kind, data }) =>
      errandId === id && kind === 'errand' && (data?.state === 'done' || data?.state === 'failed'),
    { timeoutMs: wipeTimeoutMs, what: 'the end of the wipe' },
  )
  const { errand } = await client.request<{ errand: Errand }>('GET', `/api/v1/errands/${id}`)
  log(`wipe ${errand.state}${errand.failure === undefined ? '' : `: ${errand.failure}`}`)
  return errand
}

function figuresOf({ steps }: Errand, secondsToAgent: number): CaseFigures {
  return {
    ...{ secondsToAgent: Math.round(secondsToAgent * 10) / 10, bytesFetched: 0, bytesWritten: 0, bytesReused: 0 },
    steps: steps.map(({ step, seconds, bytes }) => ({
      step,
      ...(seconds !== undefined && { seconds }),
      ...(bytes !== undefined && { bytes }),
    })),
  }
}
