import type { ReadFile, ReadRecipe, ReadUser } from './read-recipe.ts'

/** Where the builder's own things stand inside the new system while it is made; gone from the result. */
export const stagingPath = '/bootwright-build'
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
export function renderCustomizeScript({ recipe, users, files }: ReadRecipe): string {
  const hostname = recipe.hostname ?? 'debian'
  const lines = [
    'export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8',
    'sha256sum /var/lib/apt/lists/*InRelease | while read -r digest path; do',
    `  echo "${releaseMarker}$digest $path"`,
    'done',
    // A new file: mmdebstrap copied the build machine's with its mode.
    'rm -f /etc/hostname',
    `printf '%s\\n' ${quoteShell(hostname)} > /etc/hostname`,
    `printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\t%s\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' ${quoteShell(hostname)} > /etc/hosts`,
  ]
  for (const user of users) lines.push(`echo '${stepMarker}create the user ${user.name}'`, ...userLines(user))
  if (files.length > 0) lines.push(`echo '${stepMarker}write files'`)
  for (const [index, file] of files.entries()) lines.push(...fileLines(file, index))
  const commands = recipe.commands ?? []
  for (const [index, command] of commands.entries()) {
    const title = `run command ${index + 1} of ${commands.length}: ${firstLine(command)}`
    lines.push(`echo ${quoteShell(stepMarker + title)}`, `sh -eu -c ${quoteShell(command)} </dev/null`)
  }
  lines.push(`dpkg-query -W -f '${packageMarker}\${binary:Package} \${Version}\\n'`)
  return `${lines.join('\n')}\n`
}

/** The account `name:hash` lines go to chpasswd from a file, so that no hash is ever an argument. */
export function renderPasswords(users: readonly ReadUser[]): string {
  return users
    .filter((user) => user.passwordHash !== undefined)
    .map((user) => `${user.name}:${user.passwordHash}\n`)
    .join('')
}

/** One word of POSIX shell, whatever the text holds. */
export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
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
