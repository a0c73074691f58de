import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { publishRamdisk, type RamdiskParts } from '../../src/ramdisk/published-ramdisk.ts'
import { until } from './dhcp/bench.ts'
import { type Network, openNetworkPair } from './network-pair.ts'

const bootwright = join(import.meta.dirname, '../../bin/bootwright')
const kernelText = 'not a kernel, but as good to a loader that fetches it'

/** The whole service on the server's end of a cable, with a ramdisk of a few bytes. */
async function serve(t: TestContext, server: Network): Promise<{ id: string; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'boot-script-'))
  const image = join(directory, 'image')
  await writeFile(image, kernelText)
  const parts: RamdiskParts = {
    architecture: 'x64',
    kernel: { image, modulesDirectory: '/lib/modules/6.1.0', identity: 'test' },
    segments: [],
    firmware: { drivers: [], missingDrivers: [] },
  }
  const ramdisk = await publishRamdisk(parts, join(directory, 'ramdisk'))
  await mkdir(join(directory, 'data'))
  const places = ['data', 'images', 'keys'].flatMap((name) => [`--${name}`, join(directory, name)])
  const values = ['serve', '--interface', server.interface, '--loader', 'shim', '--ramdisk', ramdisk.directory]
  const service = spawn(...server.command(bootwright, ...values, ...places), { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(async () => {
    service.kill('SIGTERM')
    if (service.exitCode === null && service.signalCode === null) await once(service, 'exit')
    await rm(directory, { recursive: true })
  })
  let said = ''
  service.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await until(
    () => said.includes('the ramdisk is ready'),
    () => `the service to be ready: ${said}`,
  )
  return { id: ramdisk.id, directory }
}

test('bootwright serve gives a boot script and its kernel by the same paths over TFTP and HTTP', async (t) => {
  const networks = await openNetworkPair(t)
  if (!networks) return
  const { client, server } = networks
  const { id, directory } = await serve(t, server)
  const overTftp = async (path: string) => {
    const file = join(directory, 'fetched')
    const { code, stderr } = await client.run('atftp', ['-g', '-r', path, '-l', file, server.address])
    assert.equal(code, 0, `${path}: ${stderr}`)
    return readFile(file, 'utf8')
  }
  const overHttp = async (path: string) =>
    (await client.run('curl', ['-sf', '--retry', '20', '--retry-connrefused', `http://${server.address}:4280/${path}`]))
      .stdout
  const script = 'boot.shim?mac=52-54-00-00-00-09'
  const rendered = await overTftp(script)
  assert.match(rendered, new RegExp(`^if linux '\\(tftp,${server.address}\\)/ramdisk/${id}/vmlinuz' `, 'm'))
  assert.equal(await overHttp(script), rendered)
  assert.equal(await overTftp(`ramdisk/${id}/vmlinuz`), kernelText)
  assert.equal(await overHttp(`ramdisk/${id}/vmlinuz`), kernelText)
  assert.match(await overTftp('grub/grub.cfg'), /configfile "\$given"/)
})
