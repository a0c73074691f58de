import { aptNeededLines, configurationLines, installLines, purgeLines } from './configuration-lines.ts'
import { firstBootEndLines } from './first-boot/first-boot-script.ts'
import { quoteShell } from './quote-shell.ts'
import type { ReadFile, ReadRecipe, ReadUser } from './read-recipe.ts'
import { packageMarker, releaseMarker, stagingPath, stepMarker } from './staging.ts'

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
  lines.push(...configurationLines(configurations, 'build'))
  const commands = recipe.commands ?? []
  for (const [index, command] of commands.entries()) {
    const title = `run command ${index + 1} of ${commands.length}: ${firstLine(command)}`
    lines.push(`echo ${quoteShell(stepMarker + title)}`, `sh -eu -c ${quoteShell(command)} </dev/null`)
  }
  return `${lines.join('\n')}\n`
}

/** What runs inside the new system when it is configured, before it is cleaned up. */
export function renderFinishScript(read: ReadRecipe): string {
  return `${[
    'export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8',
    ...firstBootEndLines(read),
    ...purgeLines(read.configurations),
    `if command -v dpkg-query >/dev/null; then dpkg-query -W -f '${packageMarker}\${binary:Package} \${Version}\\n'; fi`,
  ].join('\n')}\n`
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
  return [
    ...(own.length === 0
      ? []
      : [
          `echo '${stepMarker}install packages'`,
          ...aptNeededLines,
          `apt-get install -qy --no-install-recommends ${own.map(quoteShell).join(' ')}`,
        ]),
    ...installLines(configurations),
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
  const owner = `${quoteShell(file.owner ?? 'root')}:${quoteShell(file.group ?? 'root')}`
  return [
    // Not by `install`, which Debian's busybox has not; what was a link there is the file itself afterwards.
    `mkdir -p "$(dirname ${path})"; rm -f ${path}; cp ${stagingPath}/files/${index} ${path}`,
    `chown ${owner} ${path}; chmod ${file.mode ?? '0644'} ${path}`,
  ]
}

function firstLine(command: string): string {
  const line = command.trim().split('\n', 1)[0] ?? ''
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}
