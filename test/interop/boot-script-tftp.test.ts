import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openNetworkPair } from './network-pair.ts'
import { kernelText, serveSite } from './serve-site.ts'

test('bootwright serve gives a boot script and its kernel by the same paths over TFTP and HTTP', async (t) => {
  const networks = await openNetworkPair(t)
  if (!networks) return
  const { client, server } = networks
  const values = ['--interface', server.interface, '--loader', 'shim']
  const { ramdiskId: id, directory } = await serveSite(t, server, values)
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
