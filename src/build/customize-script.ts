import { configurationCommand, describeConfiguration, packageOf } from './configuration-lines.ts'
import { quoteShell } from './quote-shell.ts'
import type { ReadFile, ReadRecipe, ReadUser } from './read-recipe.ts'

/** Where the builder's own things stand inside the new system while it is made; gone from the result. */
export const stagingPath = '/bootwright-build'
/** A layer's own package sources, out of the way of those it is built with. */
export const baseSourcesPath = '/bootwright-base-sources'
/** Begins the lines by which the script says what it does now. */
export const stepMarker = 'bootwright-step: '
/** Begins the lines that name an installed package, `name version`. */
export const packageMarker = 'bootwright-package: '
/** Begins the lines, `digest path`, that tell which InRelease files the packages really came from. */
export const releaseMarker = 'bootwright-release: '

/**
 * The shell script that runs inside the new system after its packages are installed: users, files, commands.
 * Contents of files are not in it; the n-th stands at `stagingPath`/files/n.
 */
export function renderCustomizeScript(read: ReadRecipe): string {
  const { recipe, users, files, configurations } = read
  const lines = [
    'export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8',
    'sha256sum /var/lib/apt/lists/*InRelease 2>/dev/null | while read -r digest path; do',
    `  echo "${releaseMarker}$digest $path"`,
    'done',
    `export SECRETS=${stagingPath}/secrets`,
    ...hostNameLines(recipe),
    ...packageLines(read),
  ]
  for (const user of users) lines.push(`echo '${stepMarker}create the user ${user.name}'`, ...userLines(user))
  if (files.length > 0) lines.push(`echo '${stepMarker}write files'`)
  for (const [index, file] of files.entries()) lines.push(...fileLines(file, index))
  for (const [index, configuration] of configurations.entries()) {
    const title = describeConfiguration(configuration)
    lines.push(`echo ${quoteShell(stepMarker + title)}`)
    lines.push(`(cd ${stagingPath}/configure/${index}; ${configurationCommand(configuration)}) </dev/null`)
  }
  const commands = recipe.commands ?? []
  for (const [index, command] of commands.entries()) {
    const title = `run command ${index + 1} of ${commands.length}: ${firstLine(command)}`
    lines.push(`echo ${quoteShell(stepMarker + title)}`, `sh -eu -c ${quoteShell(command)} </dev/null`)
  }
  lines.push(...purgeLines(read))
  lines.push(`dpkg-query -W -f '${packageMarker}\${binary:Package} \${Version}\\n'`)
  return `${lines.join('\n')}\n`
}

/** A layer keeps its base's, where the recipe does not say one. */
function hostNameLines({ hostname, source }: ReadRecipe['recipe']): string[] {
  if (hostname === undefined && source.kind !== 'mmdebstrap') return []
  const name = quoteShell(hostname ?? 'debian')
  return [
    // A new file: mmdebstrap copied the build machine's with its mode.
    'rm -f /etc/hostname',
    `printf '%s\\n' ${name} > /etc/hostname`,
    `printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\t%s\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' ${name} > /etc/hosts`,
  ]
}

/** What mmdebstrap does not install by itself: a layer's packages, and the programs that configure. */
function packageLines({ recipe, configurations }: ReadRecipe): string[] {
  const own = recipe.source.kind === 'mmdebstrap' ? [] : (recipe.packages ?? [])
  const programs = configurations.flatMap((configuration) => packageOf(configuration) ?? [])
  const install = 'apt-get install -qy --no-install-recommends'
  return [
    ...(own.length === 0
      ? []
      : [`echo '${stepMarker}install packages'`, `${install} ${own.map(quoteShell).join(' ')}`]),
    ...(programs.length === 0
      ? []
      : [
          `echo '${stepMarker}install what configures: ${programs.join(' ')}'`,
          `dpkg-query -W -f '\${binary:Package}\\n' > ${stagingPath}/packages-before`,
          `${install} ${programs.join(' ')}`,
        ]),
  ]
}

/** What came with the programs that configure leaves with them, unless something that stays needs it. */
function purgeLines({ configurations }: ReadRecipe): string[] {
  const programs = configurations.flatMap((configuration) => packageOf(configuration) ?? [])
  if (programs.length === 0) return []
  return [
    `echo '${stepMarker}remove what configured'`,
    `for package in ${programs.join(' ')}; do`,
    `  grep -qx "$package" ${stagingPath}/packages-before || apt-get purge -qy --auto-remove "$package"`,
    'done',
  ]
}

/** The account `name:hash` lines go to chpasswd from a file, so that no hash is ever an argument. */
export function renderPasswords(users: readonly ReadUser[]): string {
  return users
    .filter((user) => user.passwordHash !== undefined)
    .map((user) => `${user.name}:${user.passwordHash}\n`)
    .join('')
}

function userLines(user: ReadUser): string[] {
  const name = quoteShell(user.name)
  const isRoot = user.name === 'root'
  const lines: string[] = []
  if (!isRoot) {
    const options = ['--create-home', '--shell', quoteShell(user.shell ?? '/bin/bash')]
    if (user.group !== undefined) options.push('--gid', quoteShell(user.group))
    if (user.groups?.length) options.push('--groups', quoteShell(user.groups.join(',')))
    lines.push(`useradd ${options.join(' ')} ${name}`)
  }
  if (user.passwordHash !== undefined) {
    lines.push(`grep ${quoteShell(`^${user.name}:`)} ${stagingPath}/passwords | chpasswd --encrypted`)
  }
  if (user.authorizedKeys.length > 0) {
    const home = isRoot ? '/root' : `/home/${user.name}`
    const owner = isRoot ? 'root:root' : `${user.name}:`
    lines.push(
      `install -d -m 0700 ${home}/.ssh`,
      `printf '%s\\n' ${user.authorizedKeys.map(quoteShell).join(' ')} > ${home}/.ssh/authorized_keys`,
      `chmod 0600 ${home}/.ssh/authorized_keys`,
      `chown -R ${owner} ${home}/.ssh`,
    )
  }
  return lines
}

function fileLines(file: ReadFile, index: number): string[] {
  const path = quoteShell(file.path)
  if (file.link !== undefined) {
    return [`mkdir -p "$(dirname ${path})"`, `ln -sfn ${quoteShell(file.link)} ${path}`]
  }
  const owner = `-o ${quoteShell(file.owner ?? 'root')} -g ${quoteShell(file.group ?? 'root')}`
  return [`install -D -m ${file.mode ?? '0644'} ${owner} ${stagingPath}/files/${index} ${path}`]
}

function firstLine(command: string): string {
  const line = command.trim().split('\n', 1)[0] ?? ''
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}
