import { quoteShell } from './quote-shell.ts'
import type { ReadConfiguration } from './read-recipe.ts'

/** Debian's package of each program that configures; a shell script needs none. */
const programPackages = { puppet: 'puppet-agent', ansible: 'ansible-core', salt: 'salt-minion' } as const

/** Which package a configuration needs inside the new system. */
export function packageOf({ kind }: ReadConfiguration): string | undefined {
  return kind === 'shell' ? undefined : programPackages[kind]
}

/** The command, run in the configuration's own folder; whatever says that something went wrong ends the build. */
export function configurationCommand(configuration: ReadConfiguration): string {
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

export function describeConfiguration(configuration: ReadConfiguration): string {
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
