import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { busyboxApplets } from './busybox-applets.ts'
import type { DebianPackage } from './debian-packages.ts'
import { fileEntry, findPrograms, type ProgramList, symlink, textEntry, type UnpackedPackages } from './programs.ts'
import type { SegmentEntry, SegmentRecipe } from './segment.ts'
import { closeOverLibraries, indexLibraries } from './shared-libraries.ts'
import type { Site } from './site.ts'
import type { Target } from './target.ts'

/** Where all of it lies, beside whatever root there is; src/ramroot/ram-root-form.ts has the same. */
const place = '.bootwright'

/** Debian packages and what of them the early system of a version in memory runs. */
const tools: ProgramList = {
  'busybox-static': ['busybox'],
  kmod: ['kmod'],
  attr: ['setfattr'],
  coreutils: ['touch'],
  openssl: ['openssl'],
  'util-linux': ['blkid'],
  e2fsprogs: ['mke2fs'],
  // Stays in the running system, for updates
  'kexec-tools': ['kexec'],
}

export const ramRootPackageNames: readonly string[] = [...Object.keys(tools), 'libc6']

const scripts = ['init', 'talk.sh', 'root.sh', 'identity.sh', 'data-disks.sh']
const sharedScripts = { 'early.sh': 'usr/lib/bootwright/early.sh', 'udhcpc.script': 'usr/share/udhcpc/default.script' }

/**
 * The early system that gives a version its root in memory: no Node, and nothing outside of one directory, so that it can lie beside a
 * root that is there already. `packages` are what a solver says of ramRootPackageNames.
 */
export async function ramRootRecipe(
  packages: readonly DebianPackage[],
  unpacked: () => Promise<UnpackedPackages>,
  { target, trust }: { target: Target; trust: Site['trust'] },
): Promise<SegmentRecipe> {
  const texts = await scriptEntries()
  const key = textEntry(`${place}/order.pem`, trust.orderPublicKeyPem)
  return {
    name: 'ramroot',
    inputs: [packages.map((each) => each.digest).sort(), tools, texts, trust.orderPublicKeyPem],
    compress: 19,
    entries: async () => [
      ...(await collect(await unpacked(), target)),
      ...[...texts, key].map((entry) => ({ entry, of: 'scripts' })),
    ],
  }
}

async function scriptEntries() {
  const own = scripts.map((name) => [name, join(import.meta.dirname, 'ram-root', name)] as const)
  const shared = Object.entries(sharedScripts).map(
    ([name, path]) => [name, join(import.meta.dirname, 'rootfs', path)] as const,
  )
  return Promise.all(
    [...own, ...shared].map(async ([name, file]) => {
      const text = await readFile(file, 'utf8')
      return textEntry(`${place}/${name}`, text.replace(/^#!\/bin\/sh/, `#!/${place}/bin/sh`), 0o755)
    }),
  )
}

async function collect(packages: UnpackedPackages, target: Target): Promise<SegmentEntry[]> {
  const programs = await findPrograms(packages, tools)
  const busybox = programs.find(({ name }) => name === 'busybox')!
  const index = await indexLibraries(packages, target.libraryFolder)
  const linked = programs.filter((program) => program !== busybox)
  const libraries = await closeOverLibraries(
    linked.map(({ file }) => file),
    index,
  )
  const loader = [...libraries].find((name) => name.startsWith('ld-linux'))!
  const names = [...linked.map(({ name }) => (name === 'kmod' ? 'modprobe' : name))]
  const files = await Promise.all([
    fileEntry(`${place}/bin/busybox`, busybox.file),
    ...linked.map(({ name, file }) => fileEntry(`${place}/tools/${name === 'kmod' ? 'modprobe' : name}`, file)),
    ...[...libraries].map((name) => fileEntry(`${place}/lib/${basename(name)}`, index.get(name)!.file)),
  ])
  const wrappers = names.map((name) => textEntry(`${place}/bin/${name}`, wrapper(name, loader), 0o755))
  const applets = (await busyboxApplets(busybox.file))
    .filter((name) => name !== 'busybox' && !names.includes(name))
    .map((name) => symlink(`${place}/bin/${name}`, 'busybox'))
  const console = { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 } as const
  return [...files, ...wrappers, ...applets, console].map((entry) => ({ entry, of: 'tools' }))
}

/** By our own dynamic loader and libraries: those of the version, if it is there, are another program's. */
function wrapper(name: string, loader: string): string {
  const run = `/${place}/lib/${loader} --library-path /${place}/lib --argv0 ${name} /${place}/tools/${name}`
  const modules = `[ -d /${place}/lib/modules ] && set -- -d /${place} "$@"\n`
  return `#!/${place}/bin/sh\n${name === 'modprobe' ? modules : ''}exec ${run} "$@"\n`
}
