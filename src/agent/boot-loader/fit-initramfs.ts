import { readFileSync } from 'node:fs'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import type { InsideRoot } from '../inside-root.ts'
import type { Kernel } from './choose-kernel.ts'
import { type DriverNeed, moduleNames, neededDrivers, readModaliases } from './disk-drivers.ts'

export type InitramfsFacts = { directory: string; disk: string; filesystem: string }

type Maker = {
  name: string
  list: (initrd: string) => string[]
  /** Where the drivers that are wanted beside its own choice are written, and how. */
  configure: (root: InsideRoot, modules: readonly string[]) => void
  rebuild: (kernel: Kernel) => string[]
}

const listTimeoutMs = 300_000
const rebuildTimeoutMs = 900_000

/** By the program that lists what is in one. */
const makers: readonly Maker[] = [
  {
    name: '/usr/bin/lsinitramfs',
    list: (initrd) => ['lsinitramfs', initrd],
    configure: (root, modules) => {
      const path = '/etc/initramfs-tools/modules'
      root.writeText(path, `${root.readText(path) ?? ''}# The disk of this machine:\n${modules.join('\n')}\n`)
    },
    rebuild: ({ version }) => ['update-initramfs', '-u', '-k', version],
  },
  {
    name: '/usr/bin/lsinitrd',
    list: (initrd) => ['lsinitrd', initrd],
    configure: (root, modules) =>
      root.writeText('/etc/dracut.conf.d/bootwright.conf', `add_drivers+=" ${modules.join(' ')} "\n`),
    rebuild: ({ version, initrd }) => ['dracut', '--force', '--kver', version, `/boot/${initrd}`],
  },
]

/**
 * Looks whether the image's initramfs has the drivers of this machine's disk and of the root's filesystem, and has the
 * image's own program make it anew when it has not. Gives the sentence for the timeline. The chroot's /dev, /proc and
 * /sys are mounted. Throws ProgramFailed when it could not be made.
 */
export async function fitInitramfs(
  root: InsideRoot,
  kernel: Kernel,
  facts: InitramfsFacts,
  signal: AbortSignal,
): Promise<string> {
  const maker = makers.find(({ name }) => root.isExecutable(name))
  if (kernel.initrd === undefined) return 'no initramfs'
  if (maker === undefined) return 'initramfs as it is: the image has no program that lists what is in it'
  const needs = readNeeds(root, kernel, facts)
  if (needs === undefined) return `initramfs as it is: the image has no list of ${kernel.version}'s drivers`
  let listed: string
  try {
    const list = maker.list(`/boot/${kernel.initrd}`)
    listed = await runProgram('chroot', [facts.directory, ...list], { timeoutMs: listTimeoutMs, signal })
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error
    return `initramfs as it is: it could not be listed (${error.message})`
  }
  const there = moduleNames(listed)
  const missing = needs.filter(({ modules }) => !modules.some((name) => there.has(name)))
  if (missing.length === 0) return 'initramfs has the drivers of the disk'
  const modules = [...new Set(missing.flatMap((need) => need.modules))].sort()
  maker.configure(root, modules)
  await runProgram('chroot', [facts.directory, ...maker.rebuild(kernel)], { timeoutMs: rebuildTimeoutMs, signal })
  return `initramfs rebuilt, it had no ${modules.join(', ')} for this disk`
}

/** Undefined where the kernel's own lists are not in the image. */
function readNeeds(root: InsideRoot, { version }: Kernel, facts: InitramfsFacts): DriverNeed[] | undefined {
  const read = (name: string) => {
    const places = ['/usr/lib/modules', '/lib/modules'].map((place) => root.realFile(`${place}/${version}/${name}`))
    const file = places.find((place) => place !== undefined)
    return file === undefined ? undefined : readFileSync(file, 'utf8')
  }
  const [aliases, builtin] = [read('modules.alias'), read('modules.builtin')]
  if (aliases === undefined || builtin === undefined) return undefined
  return neededDrivers([...readModaliases(facts.disk), `fs-${facts.filesystem}`], { aliases, builtin })
}
