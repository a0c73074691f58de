import { quoteShell } from './quote-shell.ts'
import type { ReadConfiguration, ReadRecipe } from './read-recipe.ts'
import { stagingPath, stepMarker } from './staging.ts'

/**
 * What each program that configures is in, inside the new system: Debian's names, which Salt's own packages have too. Ansible
 * installs packages through python3-apt, and would otherwise install that itself, to stay. `leaves`: what it makes that its
 * package does not take with it; `account`: whom Debian's packages make, and leave.
 */
const programs: Record<ReadConfiguration['kind'], { packages: string[]; leaves: string[]; account?: string }> = {
  puppet: {
    packages: ['puppet-agent'],
    leaves: ['/etc/puppet', '/var/lib/puppet', '/var/cache/puppet', '/var/log/puppet'],
    account: 'puppet',
  },
  ansible: { packages: ['ansible-core', 'python3-apt'], leaves: ['/root/.ansible'] },
  salt: {
    packages: ['salt-minion'],
    leaves: ['/etc/salt', '/var/cache/salt', '/var/log/salt'],
    account: 'salt',
  },
  shell: { packages: [], leaves: [] },
}

export function packagesOf(configurations: readonly ReadConfiguration[]): string[] {
  return [...new Set(configurations.flatMap(({ kind }) => programs[kind].packages))]
}

/** Of other systems' package managers each has its own names and sources: the recipe's commands know them. */
export const aptNeededLines: readonly string[] = [
  'command -v apt-get >/dev/null || {',
  '  echo "what this builds on has no apt: leave packages out, and install by commands with what it has (dnf install -y NAME, apk add NAME, zypper -n install NAME); its resolver works there" >&2',
  '  exit 1',
  '}',
]

/** What was there before counts as wanted meanwhile, so that what leaves at the end is what came with the programs. */
export function installLines(configurations: readonly ReadConfiguration[]): string[] {
  const packages = packagesOf(configurations)
  if (packages.length === 0) return []
  return [
    `echo '${stepMarker}install what configures: ${packages.join(' ')}'`,
    ...aptNeededLines,
    `for package in ${packages.join(' ')}; do`,
    '  apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || {',
    '    echo "no package source of this build has $package: name one that does in source.mirrors, beside those of the system (Debian 12 has no Salt; its project has packages)" >&2',
    '    exit 1',
    '  }',
    'done',
    `dpkg-query -W -f '\${binary:Package}\\n' > ${stagingPath}/packages-before`,
    `apt-mark showauto > ${stagingPath}/auto-before`,
    `xargs -r apt-mark manual < ${stagingPath}/auto-before >/dev/null`,
    `apt-get install -qy --no-install-recommends ${packages.join(' ')}`,
  ]
}

/** Also what something else only recommends, as apt does certificates: nothing is recommended into an image. */
export function purgeLines(configurations: readonly ReadConfiguration[]): string[] {
  const packages = packagesOf(configurations)
  if (packages.length === 0) return []
  const kinds = new Set(configurations.map(({ kind }) => kind))
  return [
    `echo '${stepMarker}remove what configured'`,
    `for package in ${packages.join(' ')}; do`,
    `  grep -qx "$package" ${stagingPath}/packages-before || echo "$package"`,
    `done > ${stagingPath}/packages-to-purge`,
    `xargs -r apt-get purge -qy --auto-remove -o APT::AutoRemove::RecommendsImportant=false < ${stagingPath}/packages-to-purge`,
    `dpkg-query -W -f '\${Package}\\n' | grep -Fx -f ${stagingPath}/auto-before | xargs -r apt-mark auto >/dev/null`,
    ...[...kinds].flatMap(leftLines),
  ]
}

/** Where its package was purged: what was there before with it stays. */
function leftLines(kind: ReadConfiguration['kind']): string[] {
  const { packages, leaves, account } = programs[kind]
  if (packages[0] === undefined) return []
  return [
    `if grep -qx ${packages[0]} ${stagingPath}/packages-to-purge; then`,
    `  rm -rf ${leaves.join(' ')}`,
    ...(account === undefined ? [] : [`  if getent passwd ${account} >/dev/null; then userdel ${account}; fi`]),
    'fi',
  ]
}

/** Whether any of it waits for the system's first boot, in a virtual machine. */
export function hasFirstBoot({ configurations }: Pick<ReadRecipe, 'configurations'>): boolean {
  return configurations.some(({ when }) => when === 'firstBoot')
}

/** What is configured then, each as a step, in the folder that was copied in for it. */
export function configurationLines(
  configurations: readonly ReadConfiguration[],
  moment: 'build' | 'firstBoot',
): string[] {
  return configurations.flatMap((configuration, index) => {
    if ((configuration.when ?? 'build') !== moment) return []
    const run = `(cd ${stagingPath}/configure/${index}; ${configurationCommand(configuration)}) </dev/null`
    return [`echo ${quoteShell(stepMarker + describeConfiguration(configuration))}`, run]
  })
}

/** The command, run in the configuration's own folder; whatever says that something went wrong ends the build. */
function configurationCommand(configuration: ReadConfiguration): string {
  switch (configuration.kind) {
    case 'puppet':
      // Its exit status 2 says that something was changed, 4 and 6 that something failed.
      return `status=0; puppet apply --detailed-exitcodes --modulepath "$PWD/modules" ${quoteShell(configuration.manifest)} || status=$?; [ "$status" = 0 ] || [ "$status" = 2 ]`
    case 'ansible':
      return `ansible-playbook --connection local --inventory localhost, ${quoteShell(configuration.playbook)}`
    case 'salt': {
      const states = (configuration.states ?? []).map(quoteShell).join(',')
      return `salt-call --local --retcode-passthrough --file-root "$PWD" state.apply ${states}`.trimEnd()
    }
    case 'shell':
      return `sh -eu ${quoteShell(configuration.script)}`
  }
}

function describeConfiguration(configuration: ReadConfiguration): string {
  switch (configuration.kind) {
    case 'puppet':
      return `puppet apply ${configuration.manifest}`
    case 'ansible':
      return `ansible-playbook ${configuration.playbook}`
    case 'salt':
      return `salt-call state.apply ${(configuration.states ?? []).join(' ')}`.trimEnd()
    case 'shell':
      return `sh ${configuration.script}`
  }
}
