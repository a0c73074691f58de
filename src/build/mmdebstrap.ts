import { readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { runProgram } from '../programs/run-program.ts'
import { BuildUnavailable } from './build-errors.ts'
import type { Recipe } from './recipe.ts'
import { baseSourcesPath, stagingPath } from './staging.ts'

export type MmdebstrapMode = 'root' | 'unshare'

export type MmdebstrapInputs = {
  mode: MmdebstrapMode
  recipe: Recipe
  architecture: string
  suite: string
  /** Lines for apt's configuration during the build; they do not stay in the image. */
  aptOptions: readonly string[]
  stagingDirectory: string
  /** Not in the system, which is finished when it is checked. */
  checkScriptPath: string
  tarPath: string
  /** Run with the tree's path, by what is not in it: between its configuration and its clean-up. */
  firstBootCommand?: string | undefined
  /** What is built on, as a tar; of a recipe that does not begin with nothing. */
  base?: { tarPath: string; hasDpkg: boolean } | undefined
  /** Whether apt is asked at all. */
  needsPackages: boolean
  /** A terminal at which a person looks at what failed. */
  shellOnError?: string | undefined
}

const mergedUsrHooks = '/usr/share/mmdebstrap/hooks/maybe-merged-usr'

/** Arguments for a run that reads its apt sources from standard input. Pure. */
export function mmdebstrapArguments(inputs: MmdebstrapInputs): string[] {
  const { recipe, shellOnError } = inputs
  const inside = (script: string) => {
    const run = `chroot "$1" sh -eu ${stagingPath}/${script}`
    return `--customize-hook=${shellOnError === undefined ? run : `${run} || { ${shellAt(shellOnError)}; exit 1; }`}`
  }
  return [
    `--mode=${inputs.mode}`,
    `--variant=${recipe.source.kind === 'mmdebstrap' ? recipe.source.variant : 'custom'}`,
    `--architectures=${inputs.architecture}`,
    '--format=tar',
    // Everything apt and dpkg say goes to the log, also when all went well.
    '--verbose',
    ...(recipe.source.kind === 'mmdebstrap' ? [`--hook-dir=${mergedUsrHooks}`] : baseHooks(inputs)),
    ...(recipe.excludePaths ?? []).map((path) => `--dpkgopt=path-exclude=${path}`),
    ...(recipe.includePaths ?? []).map((path) => `--dpkgopt=path-include=${path}`),
    ...inputs.aptOptions.map((option) => `--aptopt=${option}`),
    ...(recipe.source.kind === 'mmdebstrap' && recipe.packages?.length
      ? [`--include=${recipe.packages.join(',')}`]
      : []),
    `--customize-hook=mkdir -m 0700 "$1${stagingPath}"`,
    // `sync-in` works in every mode; a path would not be readable inside a user namespace.
    `--customize-hook=sync-in "${inputs.stagingDirectory}" ${stagingPath}`,
    inside('customize.sh'),
    ...(inputs.firstBootCommand === undefined ? [] : [`--customize-hook=${inputs.firstBootCommand} "$1"`]),
    inside('finish.sh'),
    inside('clean-up.sh'),
    ...(recipe.checks?.length ? [`--customize-hook=${checkHook(inputs)}`] : []),
    inputs.suite,
    inputs.tarPath,
    '-',
  ]
}

/**
 * Puts what is built on where mmdebstrap would have installed a system. Its own package sources are set aside: the build's are
 * another's, and the clean-up brings them back.
 */
function baseHooks({ base, needsPackages }: MmdebstrapInputs): string[] {
  const aside = `"$1${baseSourcesPath}"`
  const hooks = [
    // What the build needs and the base may have too: none of it may be taken for the base's own.
    'mkdir "$1/bootwright-kept" && mv "$1/etc/apt" "$1/etc/resolv.conf" "$1/bootwright-kept/" && rm -f "$1/etc/hostname" "$1/etc/fstab"',
    `tar-in "${base?.tarPath}" /`,
    `mkdir ${aside} && for name in sources.list sources.list.d; do if [ -e "$1/etc/apt/$name" ]; then mv "$1/etc/apt/$name" ${aside}; fi; done`,
    'rm -f "$1/etc/resolv.conf" && cp -a "$1/bootwright-kept/resolv.conf" "$1/etc/" && mkdir -p "$1/etc/apt" && cp -a "$1/bootwright-kept/apt/." "$1/etc/apt/" && rm -rf "$1/bootwright-kept"',
  ]
  // What mmdebstrap would clean up by apt goes as a whole (clean-up-script.ts).
  const foreign = base?.hasDpkg === false ? ['--skip=cleanup/apt', '--skip=cleanup/mmdebstrap'] : []
  return [...foreign, ...(needsPackages ? [] : ['--skip=update']), ...hooks.map((hook) => `--setup-hook=${hook}`)]
}

/** In the finished system, which the checks must not change: from outside, by a file that is not in it. */
function checkHook({ checkScriptPath }: MmdebstrapInputs): string {
  return `chroot "$1" sh -eu < "${checkScriptPath}"`
}

function shellAt(terminal: string): string {
  return `echo "a shell in the system as it is now; exit ends the build" > ${terminal}; chroot "$1" sh -i < ${terminal} > ${terminal} 2>&1`
}

/** What of this machine's apt configuration the build's own apt must know: proxies, and checks that were relaxed. */
export async function readAptOptions(timeoutMs: number): Promise<string[]> {
  const stdout = await runProgram('apt-config', ['dump', '--no-empty', '--format', '%F "%v";%n', 'Acquire'], {
    timeoutMs,
  })
  const wanted =
    /^Acquire::((https?|ftp)::(Proxy|CaInfo|SslCert|SslKey)|Check-Valid-Until|Check-Date|Retries|ForceIPv)/i
  const lines = stdout.split('\n').filter((line) => wanted.test(line))
  return ['APT::Install-Recommends "false";', 'Acquire::Languages "none";', ...lines]
}

/** Root builds directly; anyone else in a user namespace. Throws BuildUnavailable naming everything that is missing. */
export async function chooseMode(): Promise<MmdebstrapMode> {
  const missing: string[] = []
  const programs = ['mmdebstrap', 'perl', 'apt-get', 'tar']
  const user = userInfo()
  if (user.uid !== 0) programs.push('newuidmap', 'newgidmap', 'unshare')
  const packages: Record<string, string> = { newuidmap: 'uidmap', newgidmap: 'uidmap', unshare: 'util-linux' }
  for (const program of programs) {
    if (!(await isOnPath(program))) {
      missing.push(`the program ${program} is not installed: apt-get install ${packages[program] ?? program}`)
    }
  }
  if (user.uid === 0) return missing.length === 0 ? 'root' : fail(missing)
  for (const path of ['/etc/subuid', '/etc/subgid']) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (!text.split('\n').some((line) => line.startsWith(`${user.username}:`) || line.startsWith(`${user.uid}:`))) {
      const add = path === '/etc/subuid' ? '--add-subuids' : '--add-subgids'
      missing.push(
        `${path} has no range for ${user.username}: as root run usermod ${add} 100000-165535 ${user.username}`,
      )
    }
  }
  if (missing.length === 0)
    await runProgram('unshare', ['--user', 'true'], { timeoutMs: 10_000 }).catch(noUserNamespace)
  return missing.length === 0 ? 'unshare' : fail(missing)

  function noUserNamespace(error: Error) {
    missing.push(`this kernel allows no user namespace to ${user.username} (${error.message}): build as root`)
  }
}

function fail(missing: string[]): never {
  throw new BuildUnavailable(missing)
}

async function isOnPath(program: string): Promise<boolean> {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
  const found = await Promise.all(
    directories.map((directory) => stat(`${directory}/${program}`).catch(() => undefined)),
  )
  return found.some((entry) => entry?.isFile())
}
