import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAccessible, isInPath } from '../programs/is-in-path.ts'
import { ProgramFailed, runProgram } from '../programs/run-program.ts'
import { arm64FirmwareFiles, firmwareFiles } from './firmware-files.ts'
import { rackNamespaces, withoutUserNamespace } from './namespace.ts'

/** `namespaces` are unshare's options that work here; `missing` has one sentence for each thing, with its remedy. */
export type RackCheck = { kind: 'ready'; namespaces: readonly string[] } | { kind: 'unavailable'; missing: string[] }

/** What of the virtual rack's needs this machine lacks. */
export class RackUnavailable extends Error {
  override readonly name = 'RackUnavailable'
  readonly missing: readonly string[]

  constructor(missing: readonly string[]) {
    super(`This machine cannot run the virtual rack:\n${missing.map((sentence) => `- ${sentence}`).join('\n')}`)
    this.missing = missing
  }
}

const programs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  ip: 'iproute2',
  unshare: 'util-linux',
  setpriv: 'util-linux',
} as const

export async function checkRack(): Promise<RackCheck> {
  const [absentPrograms, absentFiles, tunnel, namespaces] = await Promise.all([
    missingPrograms(programs),
    missingFiles(Object.values(firmwareFiles)),
    tunnelProblem(),
    usableNamespaces(),
  ])
  const missing = [...absentPrograms, ...absentFiles, ...(tunnel ? [tunnel] : [])]
  if (namespaces.kind === 'refused') missing.push(namespaces.reason)
  if (namespaces.kind === 'refused' || missing.length > 0) return { kind: 'unavailable', missing }
  return { kind: 'ready', namespaces: namespaces.options }
}

/** What machines of arm64 need further. Rejects with RackUnavailable. */
export async function requireArm64(): Promise<void> {
  const absent = [
    ...(await missingPrograms({ 'qemu-system-aarch64': 'qemu-system-arm' })),
    ...(await missingFiles(Object.values(arm64FirmwareFiles))),
  ]
  if (absent.length > 0) throw new RackUnavailable(absent)
}

async function missingPrograms(wanted: Readonly<Record<string, string>>): Promise<string[]> {
  const absent: string[] = []
  for (const [program, debianPackage] of Object.entries(wanted)) {
    if (!(await isInPath(program))) absent.push(`the program ${program} is not installed: ${aptInstall(debianPackage)}`)
  }
  return absent
}

async function missingFiles(wanted: readonly { path: string; package: string }[]): Promise<string[]> {
  const absent: string[] = []
  for (const file of wanted) {
    if (await isAccessible(file.path, constants.R_OK)) continue
    absent.push(`the firmware ${file.path} is not there: ${aptInstall(file.package)}`)
  }
  return absent
}

async function tunnelProblem(): Promise<string | undefined> {
  try {
    await using _device = await open('/dev/net/tun', 'r+')
    return undefined
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EACCES' || code === 'EPERM')
      return 'this user may not open /dev/net/tun: run as root, or as root allow it with `chmod 0666 /dev/net/tun`'
    return `/dev/net/tun cannot be opened (${code}): load the kernel module tun, or give the container that device`
  }
}

type Namespaces = { kind: 'options'; options: readonly string[] } | { kind: 'refused'; reason: string }

/** Tries the real thing; root goes on without a user namespace where those are forbidden. */
async function usableNamespaces(): Promise<Namespaces> {
  const candidates: (readonly string[])[] = [rackNamespaces]
  if (process.getuid?.() === 0) candidates.push(withoutUserNamespace(rackNamespaces))
  let refusal = ''
  for (const options of candidates) {
    try {
      await runProgram('unshare', [...options, 'true'])
      return { kind: 'options', options }
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error
      refusal ||= error.stderr.trim() || error.message
    }
  }
  const remedy =
    'allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, ' +
    'kernel.apparmor_restrict_unprivileged_userns=0; in a container, a seccomp profile that permits them), or run as root'
  return { kind: 'refused', reason: `a network namespace cannot be made here (${refusal}): ${remedy}` }
}

function aptInstall(debianPackage: string): string {
  return `as root run \`apt-get install --no-install-recommends ${debianPackage}\``
}
