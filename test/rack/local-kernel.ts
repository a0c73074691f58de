import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bootwright } from '../../src/cli/rack/bootwright.ts'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import type { Errand } from '../../src/core/errand.ts'
import { runProgram } from '../../src/programs/run-program.ts'
import type { Shell } from '../../src/rack/login.ts'
import { rackNetwork } from '../../src/rack/switch.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'

const files = join(defaultCacheDirectory(), 'rack', 'local-kernel')
const names = ['vmlinuz', 'initrd.img']

export const rackCase: RackCase = {
  name: 'local-kernel',
  describe:
    "a kernel and an initrd of the server's, root on the machine's own disk: once with a done URL, then standing",
  set: 'long',
  prepare: makeFiles,
  siteFile: `files: ${files}
interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
`,
  run,
}

/** The kernel of the image under test, from the tar that it was imported from. */
async function makeFiles({ imageTar }: RackSupplies): Promise<void> {
  await rm(files, { recursive: true, force: true })
  await mkdir(files, { recursive: true })
  const members = (await runProgram('tar', ['-tf', imageTar], { timeoutMs: 300_000 })).split('\n')
  for (const name of names) {
    const member = members.find((each) => each.replace('./', '').startsWith(`boot/${name}-`)) ?? ''
    const place = ['-C', files, `--transform=s,.*,${name},`]
    await runProgram('tar', ['-xf', imageTar, ...place, member], { timeoutMs: 300_000 })
  }
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'kernel-1', firmware: 'bios' })
  const id = await site.deploy(machine)
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  const shell = await site.logIn(machine)
  const deployed = await readIdentity(shell)
  const root = `root=UUID=${await shell.run('findmnt -no UUID /')}`

  const refused = await bootwright(site, ['boot', 'kernel-1', '--kernel', 'nowhere/vmlinuz'])
  assert.match(refused.output, /There is no file nowhere\/vmlinuz/)

  site.log('once, with a done URL')
  await order(site, [root, 'console=ttyS0,115200', 'from={{name}}', 'done={{done}}'])
  machine.console.skipToNow()
  await machine.reset()
  const once = await site.logIn(machine)
  assert.deepEqual(await readIdentity(once), deployed, "the system is that of the machine's disk")
  const commandLine = await once.run('cat /proc/cmdline')
  assert.match(commandLine, /\bfrom=kernel-1\b/)
  const [, url = ''] = /\bdone=(http:\S+)/.exec(commandLine) ?? []
  assert.equal((await errand(site)).state, 'booting')
  await fetchUrl(once, url)
  assert.equal((await errand(site)).state, 'done')

  site.log('standing')
  await order(site, [root, 'console=ttyS0,115200', 'stands=yes'], ['--standing'])
  for (const attempt of [1, 2]) {
    machine.console.skipToNow()
    await machine.reset()
    const standing = await site.logIn(machine)
    assert.match(await standing.run('cat /proc/cmdline'), /\bstands=yes\b/, `boot ${attempt}`)
  }
  return caseFigures(deployment, secondsToAgent)
}

async function order(site: RackSite, words: readonly string[], options: readonly string[] = []): Promise<void> {
  const kernel = ['--kernel', 'vmlinuz', '--initrd', 'initrd.img', '--argument', 'ro', ...words]
  const result = await bootwright(site, ['boot', 'kernel-1', ...kernel, ...options])
  assert.equal(result.status, 0, result.output)
}

async function errand({ client }: RackSite): Promise<Errand> {
  const { errands } = await client.request<{ errands: Errand[] }>('GET', '/api/v1/errands/')
  return errands[0]!
}

/** A plain GET, by what every Debian has. */
async function fetchUrl(shell: Shell, url: string): Promise<void> {
  const { hostname, port, pathname } = new URL(url)
  const request = `GET ${pathname} HTTP/1.0\\r\\n\\r\\n`
  const answer = await shell.run(`exec 3<>/dev/tcp/${hostname}/${port}; printf '${request}' >&3; head -n 1 <&3`)
  assert.match(answer, /^HTTP\/1\.1 204/)
}
