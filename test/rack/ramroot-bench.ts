import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot, ramRootBytes } from '../../src/cli/rack/ramroot-machine.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import { runProgram } from '../../src/programs/run-program.ts'
import type { Shell } from '../../src/rack/login.ts'
import type { RackMachine } from '../../src/rack/machine.ts'
import { rackNetwork } from '../../src/rack/switch.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'

const files = join(defaultCacheDirectory(), 'rack', 'hand-made')
const handMade = { kernel: 'hand-made/vmlinuz', initrd: 'hand-made/initrd.gz' }

export const rackCase: RackCase = {
  name: 'ramroot-bench',
  describe:
    'one root three times: as squashfs, as initrd, and as a hand-made initrd (find | cpio | gzip -9); memory, bytes, seconds',
  set: 'long',
  longestMinutes: 40,
  prepare,
  siteFile: `files: ${files}
interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
`,
  run,
}

async function prepare(supplies: RackSupplies, log: (line: string) => void): Promise<void> {
  for (const form of ['squashfs', 'initrd'] as const) await prepareRamRoot(supplies, supplies.image, form, log)
  await makeHandMade(supplies, log)
}

/** The way it was done: everything that is there, with the kernel beside it. Needs root, for the owners. */
async function makeHandMade({ imageTar }: RackSupplies, log: (line: string) => void): Promise<void> {
  const initrd = join(files, handMade.initrd)
  const made = await stat(initrd).catch(() => undefined)
  if (made && made.mtimeMs > (await stat(imageTar)).mtimeMs) return
  const root = await mkdtemp(join(tmpdir(), 'bootwright-hand-made-'))
  try {
    await mkdir(join(files, 'hand-made'), { recursive: true })
    await runProgram('tar', ['-C', root, '--numeric-owner', '-xpf', imageTar])
    const [kernel] = (await runProgram('sh', ['-c', `ls ${root}/boot/vmlinuz-*`])).trim().split('\n')
    await copyFile(kernel!, join(files, handMade.kernel))
    const script = 'cd "$1" && find . | cpio --quiet -o -H newc | gzip -9 > "$2.aside" && mv "$2.aside" "$2"'
    await runProgram('sh', ['-c', script, 'sh', root, initrd], { timeoutMs: 15 * 60_000 })
    log('made the hand-made initrd')
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

const settledTimeoutMs = 5 * 60_000

type Memory = { usedBytes: number; unavailableBytes: number }
type Figures = { name: string; seconds: number; bytes: number } & Memory

async function run(site: RackSite): Promise<CaseFigures> {
  const figures: Figures[] = []
  for (const form of ['squashfs', 'initrd'] as const) {
    const machine = await site.addMachine({ name: `bench-${form}`, firmware: 'bios', memoryMiB: 1536, disks: [] })
    assert.equal((await orderRamroot(site, machine, { rendition: form })).refused, undefined)
    const startedAt = Date.now()
    const measured = await measure(site, machine)
    await awaitRamrootUp(site, startedAt)
    await machine.powerOff()
    figures.push({ name: form, bytes: await ramRootBytes(site.supplies, form), ...measured })
  }
  figures.push(await measureHandMade(site))
  const steps = figures.flatMap(({ name, seconds, bytes, usedBytes, unavailableBytes }) => [
    { step: name, seconds, bytes },
    { step: `${name} memory`, bytes: usedBytes },
    { step: `${name} unavailable`, bytes: unavailableBytes },
  ])
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps }
}

async function measureHandMade(site: RackSite): Promise<Figures> {
  const machine = await site.addMachine({ name: 'bench-hand-made', firmware: 'bios', memoryMiB: 1536, disks: [] })
  const boot = {
    kernel: handMade.kernel,
    initrds: [handMade.initrd],
    arguments: ['rdinit=/sbin/init', 'console=tty0', 'console=ttyS0,115200'],
  }
  const body = { intent: { kind: 'kernel', boot } }
  await site.client.request('PUT', `/api/v1/machines/${machine.spec.name}`, body)
  const measured = await measure(site, machine)
  const sizes = await Promise.all(Object.values(handMade).map(async (file) => (await stat(join(files, file))).size))
  await machine.powerOff()
  return { name: 'hand-made', bytes: sizes.reduce((sum, size) => sum + size, 0), ...measured }
}

async function measure(site: RackSite, machine: RackMachine): Promise<Omit<Figures, 'name' | 'bytes'>> {
  const startedAt = Date.now()
  await machine.powerOn()
  const shell = await site.logIn(machine, 10 * 60_000)
  const seconds = Math.round((Date.now() - startedAt) / 100) / 10
  const memory = await measureMemory(shell, site.supplies.credentials.password)
  const [used, unavailable] = [memory.usedBytes, memory.unavailableBytes].map((bytes) => Math.round(bytes / 1e6))
  site.log(`${machine.spec.name}: login after ${seconds} s, ${used} MB used, ${unavailable} MB not available`)
  return { seconds, ...memory }
}

/**
 * Used is what the kernel cannot give back when it is asked to. Beside it the kernel's own estimate: that counts its emergency
 * reserve too, and half of a page cache that it could drop.
 */
async function measureMemory(shell: Shell, password: string): Promise<Memory> {
  // Until then udev and units that run once take memory of their own, more or less of it by chance.
  await shell.run('systemctl is-system-running --wait', settledTimeoutMs)
  const totalWithout = async (field: string) => {
    const program = `/^MemTotal/ { total = $2 } /^${field}/ { rest = $2 } END { print (total - rest) * 1024 }`
    return Number(await shell.run(`awk '${program}' /proc/meminfo`))
  }
  const unavailableBytes = await totalWithout('MemAvailable')
  await shell.run(`echo ${password} | sudo -S sh -c 'sync; echo 3 > /proc/sys/vm/drop_caches' 2> /dev/null`)
  return { unavailableBytes, usedBytes: await totalWithout('MemFree') }
}
