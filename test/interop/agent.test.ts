import { spawn } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Check } from 'typebox/value'
import { FailureReport, Inventory, ProgressReport, SessionRequest } from '../../src/core/agent-protocol.ts'
import { type Order, signOrder } from '../../src/core/order.ts'
import { findReadyLayout } from '../../src/core/ready-layouts.ts'
import { decodeSealingKey, seal } from '../../src/core/seal.ts'
import { buildRamdisk, defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'

/*
 * The agent in its own ramdisk, in a QEMU machine of 768 MiB on QEMU's user network: no root, no namespaces. What needs
 * a whole boot plane (firmware, images, hand-over) is in the rack's cases.
 */

const machineTimeoutMs = 400_000
const diskBytes = 2 * 2 ** 30

const publicPem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

/** What the agent said, in order. */
type Heard = { method: string; path: string; bearer: string | undefined; body: unknown }

/** Speaks the server's side of core/agent-protocol.ts; `orders` are made when asked for, the last one again and again. */
async function serveAgent(t: TestContext, orders: ((session: SessionRequest) => unknown)[]) {
  const heard: Heard[] = []
  let session: SessionRequest | undefined
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    let text = ''
    for await (const part of request.setEncoding('utf8')) text += part
    const { method = '', url: path = '', headers } = request
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    heard.push({ method, path, bearer: headers.authorization, body })
    if (path === '/agent/session' && Check(SessionRequest, body)) {
      session = body
      return { session: 'the-session', machine: { id: 'm1', name: 'web-1' }, nowMs: Date.now() }
    }
    if (path !== '/agent/order' || session === undefined) return undefined
    return (orders.length > 1 ? orders.shift() : orders[0])?.(session)
  }
  const server = createServer(async (request, response) => {
    const body = await answer(request)
    response.writeHead(body === undefined ? 204 : 200).end(body === undefined ? undefined : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  return { heard, port: (server.address() as AddressInfo).port }
}

/** Runs until the machine restarts, which ends QEMU. Gives its console. */
async function runMachine(directory: string, initrds: string[], kernel: string, port: number): Promise<string> {
  const initrd = join(directory, 'initrd')
  await writeFile(initrd, '')
  for (const file of initrds) await appendFile(initrd, await readFile(file))
  const disk = join(directory, 'disk.img')
  await writeFile(disk, '')
  await truncate(disk, diskBytes)
  const mac = '52:54:00:12:34:56'
  const kernelArguments = [
    'console=ttyS0 quiet',
    `bootwright.server=http://10.0.2.2:${port} bootwright.token=the-token`,
    `BOOTIF=01-${mac.replaceAll(':', '-')}`,
  ]
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...[
        '-machine',
        'q35',
        '-accel',
        'tcg,thread=multi',
        '-cpu',
        'max,avx=off,avx2=off',
        '-m',
        '768',
        '-nodefaults',
        '-no-reboot',
      ],
      ...['-display', 'none', '-serial', 'stdio', '-kernel', kernel, '-initrd', initrd],
      ...[
        '-append',
        kernelArguments.join(' '),
        '-netdev',
        'user,id=n',
        '-device',
        `virtio-net-pci,netdev=n,mac=${mac}`,
      ],
      ...['-drive', `if=none,id=d,file=${disk},format=raw`, '-device', 'virtio-blk-pci,drive=d,serial=ROOT'],
      ...['-device', 'virtio-rng-pci'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let console = ''
  qemu.stdout.setEncoding('utf8').on('data', (text: string) => {
    console += text
  })
  const timer = setTimeout(() => qemu.kill('SIGKILL'), machineTimeoutMs)
  const [code] = await once(qemu, 'close')
  clearTimeout(timer)
  if (code !== 0) throw new Error(`QEMU ended with ${code} before the machine restarted:\n${console}`)
  return console
}

async function isAllZero(file: string): Promise<boolean> {
  for await (const part of createReadStream(file, { highWaterMark: 1 << 22 })) {
    if ((part as Buffer).some((byte) => byte !== 0)) return false
  }
  return true
}

test('agent: inventory from a real machine, a forged order ignored, a wrong disk rule refused with the disk untouched', async (t) => {
  const lacks = await stat('/usr/bin/qemu-system-x86_64').then(
    () => false,
    () => true,
  )
  if (lacks && process.env.REQUIRE_INTEROP !== '1') return t.skip('qemu-system-x86_64 is not installed')
  const directory = await mkdtemp(join(tmpdir(), 'agent-'))
  t.after(() => rm(directory, { recursive: true }))
  const keys = { order: generateKeyPairSync('ed25519'), forger: generateKeyPairSync('ed25519') }
  const ramdisk = await buildRamdisk({
    architecture: 'x64',
    cacheDirectory: defaultCacheDirectory(),
    outputDirectory: join(directory, 'ramdisk'),
    trust: {
      imagePublicKeyPem: publicPem(generateKeyPairSync('ed25519').publicKey),
      orderPublicKeyPem: publicPem(keys.order.publicKey),
    },
  })
  const deploy = ({ nonce, publicKey }: SessionRequest, diskRule: object): Order => ({
    kind: 'deploy',
    deploymentId: 'd1',
    machine: { id: 'm1', name: 'web-1' },
    agentNonce: nonce,
    image: 'debian',
    version: 'a'.repeat(64),
    diskRule,
    rendition: 'tree',
    layout: findReadyLayout('whole-disk')!,
    filesystem: 'ext4',
    handOver: 'reboot',
    keepVersions: 3,
    verify: 'whole',
    kernelArguments: [],
    sealed: seal(Buffer.from('{"proofToken":"p"}'), decodeSealingKey(publicKey)),
  })
  const { heard, port } = await serveAgent(t, [
    (session) => signOrder(deploy(session, {}), keys.forger.privateKey),
    (session) => signOrder(deploy(session, { serial: 'ANOTHER' }), keys.order.privateKey),
    ({ nonce }) => signOrder({ kind: 'reboot', agentNonce: nonce, reason: 'the test is over' }, keys.order.privateKey),
  ])
  const files = ramdisk.initrds.map((file) => join(ramdisk.directory, file))
  const console = await runMachine(directory, files, join(ramdisk.directory, ramdisk.kernel), port)

  const bodies = (path: string) => heard.filter((said) => said.path === path).map((said) => said.body)
  const [session] = bodies('/agent/session') as SessionRequest[]
  t.assert.equal(session?.token, 'the-token')
  t.assert.equal(session?.mac, '52:54:00:12:34:56')
  t.assert.equal(
    heard.slice(1).every((said) => said.bearer === 'Bearer the-session'),
    true,
  )
  const [inventory] = bodies('/agent/inventory')
  t.assert.equal(Check(Inventory, inventory), true)
  const { disks, interfaces, firmware } = inventory as Inventory
  t.assert.deepEqual(
    disks.map((disk) => [disk.bus, disk.serial, disk.sizeBytes]),
    [['virtio', 'ROOT', diskBytes]],
  )
  t.assert.deepEqual(
    interfaces.map((found) => [found.driver, found.bootedFrom]),
    [['virtio_net', true]],
  )
  t.assert.equal(firmware, 'bios')
  t.assert.equal(
    bodies('/agent/progress').every((report) => Check(ProgressReport, report)),
    true,
  )
  const failures = bodies('/agent/failure') as FailureReport[]
  t.assert.equal(failures.length, 1)
  t.assert.equal(Check(FailureReport, failures[0]), true)
  t.assert.equal(failures[0]?.step, 'select-disk')
  t.assert.match(
    failures[0]?.reason ?? '',
    /no disk matches the rule \(serial=ANOTHER\).*\/dev\/vda \[virtio, serial ROOT/,
  )
  t.assert.match(console, /its signature is not by the order key this ramdisk trusts/)
  t.assert.match(console, /deployment failed in step select-disk/)
  t.assert.equal(await isAllZero(join(directory, 'disk.img')), true)
})
