import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { InjectOptions } from 'fastify'
import { pino } from 'pino'
import { bootNonceBytes, mintBootToken } from '../boot/boot-token.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import type { AgentArchitecture } from '../core/agent-architecture.ts'
import { usualMenuPolicy } from '../core/console-menu.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Newcomer, NewcomerRules } from '../core/newcomer.ts'
import { RamdiskQueue } from '../core/ramdisk-queue.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import { encodePublicKey } from '../core/seal.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { AgentOrders } from '../deploy/agent-orders.ts'
import { AgentSessions } from '../deploy/agent-sessions.ts'
import { Deployments } from '../deploy/deployments.ts'
import { Errands } from '../deploy/errands.ts'
import { Machines } from '../deploy/machines.ts'
import { Ramroots } from '../deploy/ramroots.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { Updates } from '../deploy/updates.ts'
import { smallVersions } from '../image/small-versions.fixture.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { type BootPlane, bootPlaneApp, type RamdiskState } from './boot-plane.ts'
import { BtrfsStreams } from './btrfs-streams.ts'
import { openImageShelf } from './image-shelf.ts'

export const mac = parseMac('52:54:00:00:00:01')
export const address = '10.77.0.50'
export const nowMs = 1_800_000_000_000

/** The boot plane over a database in memory, with one machine that is to be deployed. */
export async function plane(
  t: TestContext,
  menuOf: BootPlane['menuOf'] = () => undefined,
  consoleMenuOf: BootPlane['consoleMenuOf'] = () => usualMenuPolicy,
  ramdiskQueue = new RamdiskQueue(),
) {
  const clock = { nowMs }
  const db = await openStateDatabase(':memory:')
  const state = new StateChanges(db, () => clock.nowMs)
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const machines = new Machines(state)
  const deployments = new Deployments(state)
  const errands = new Errands(state)
  const sessions = new AgentSessions(state)
  const orderKey = generateKeyPairSync('ed25519')
  const tokenKey = randomBytes(32)
  const orders = new AgentOrders({
    machines,
    deployments,
    errands,
    sessions,
    orderKey: orderKey.privateKey,
    proofKey: tokenKey,
    passwordHash: '$6$salt$hash',
  })
  const { images, put } = await emptyShelf(t)
  const ramroots = new Ramroots(state, tokenKey)
  const newcomers: NewcomerRules & { of?: BootPlane['newcomersOf'] } = { unknown: 'discover', nameFromDns: false }
  const parts = {
    state,
    machines,
    deployments,
    errands,
    ramroots,
    updates: new Updates(state, ramroots),
    sessions,
    orders,
    streams: new BtrfsStreams(images),
    images,
    tokenKey,
    tokenLifetimeSeconds: 600,
    newcomersOf: (newcomer: Newcomer) => newcomers.of?.(newcomer) ?? newcomers,
    ramdiskQueue,
    url: 'http://10.77.0.1:4280',
  }
  const x64 = {
    id: 'abc',
    kernel: 'vmlinuz',
    initrds: ['tools.cpio.zst', 'site.cpio'],
    files: ['vmlinuz', 'tools.cpio.zst', 'site.cpio', 'rescue.cpio.zst', 'firmware.cpio.zst'].map((file) => ({
      file,
      bytes: 10_000_000,
      sha256: '0'.repeat(64),
    })),
    rescue: { file: 'rescue.cpio.zst' },
    firmware: { file: 'firmware.cpio.zst', drivers: ['bnx2x'] },
  }
  const ramdisks: Record<AgentArchitecture, RamdiskState> = {
    x64: { kind: 'ready', ramdisk: x64 },
    arm64: { kind: 'not-served' },
  }
  const ramdisk: BootPlane['ramdisk'] = (architecture) => ramdisks[architecture]
  const app = bootPlaneApp({ ...parts, ramdisk, menuOf, consoleMenuOf }, pino({ level: 'silent' }))
  t.after(async () => {
    await app.close()
    await db.destroy()
  })
  const machine = await machines.set('rack-1', { macs: [mac] })
  const ask = (request: InjectOptions) => app.inject({ remoteAddress: address, ...request })
  const mint = async () =>
    mintBootToken(tokenKey, {
      nonce: randomBytes(bootNonceBytes),
      expiresAtSeconds: clock.nowMs / 1000 + 600,
      address: parseIpv4(address),
      mac,
      intentRevision: (await machines.get('rack-1')).intent.revision,
    })
  return { newcomers, ...parts, put, clock, ramdisks, machine, events, orderPublicKey: orderKey.publicKey, ask, mint }
}

/** A repository without images, and how one gets there. */
async function emptyShelf(t: TestContext) {
  const { directory, repository, signingKey, put } = await smallVersions(t)
  const images = await openImageShelf({
    ...{ imageDirectory: repository.directory, buildCacheDirectory: directory, signingKey },
    versionsInUse: async () => [],
  })
  return { images, put }
}

export type Plane = Awaited<ReturnType<typeof plane>>

export function deploy({ deployments, machine }: Plane) {
  return deployments.create(machine, {
    image: 'debian',
    version: 'a'.repeat(64),
    diskRule: {},
    rendition: 'tree',
    layout: findReadyLayout('whole-disk')!,
    filesystem: 'ext4',
    handOver: 'reboot',
    kernelArguments: [],
    proofSeconds: 60,
  })
}

export function inventory(drivers: string[]): Inventory {
  const cpu = { model: 'QEMU', count: 1 }
  const nothing = { smbios: {}, disks: [], interfaces: [] }
  return { firmware: 'bios', architecture: 'x64', cpu, memoryBytes: 2 ** 30, ...nothing, drivers }
}

export function newAgent() {
  const sealing = generateKeyPairSync('x25519')
  return { sealing, publicKey: encodePublicKey(sealing.publicKey), nonce: randomBytes(16).toString('hex') }
}

export async function openSession({ ask }: Plane, agent: ReturnType<typeof newAgent>, token?: string) {
  const { publicKey, nonce } = agent
  return ask({ method: 'POST', url: '/agent/session', payload: { mac, publicKey, nonce, ...(token && { token }) } })
}
