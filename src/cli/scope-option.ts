import { type Command, Option } from 'commander'
import { describeScope, type ScopeKind, type SetupScope, scopeKinds } from '../core/setup-scope.ts'
import { openClient } from './client.ts'
import { dataOption, socketPathOf } from './data-directory.ts'

export type ScopeOptions = { data: string } & Partial<Record<ScopeKind, string>>

/** Adds whose something is: `--image`, `--group` or `--machine`. */
export function whose(command: Command): Command {
  const others = (kind: ScopeKind) => scopeKinds.filter((other) => other !== kind)
  return command
    .addOption(new Option('--image <name>', "for an image's deployments").conflicts(others('image')))
    .addOption(new Option('--group <name>', 'for the machines of a group').conflicts(others('group')))
    .addOption(new Option('--machine <name>', 'for one machine').conflicts(others('machine')))
    .addOption(dataOption())
}

export function optionalScope(options: ScopeOptions): SetupScope | undefined {
  const kind = scopeKinds.find((candidate) => options[candidate] !== undefined)
  return kind && { kind, name: options[kind]! }
}

export function scopeOf(options: ScopeOptions, command: Command): SetupScope {
  return optionalScope(options) ?? command.error('error: say whose: --image NAME, --group NAME or --machine NAME')
}

/** `group/web`, as the API's paths have it. */
export function scopePath({ kind, name }: SetupScope): string {
  return `${kind}/${encodeURIComponent(name)}`
}

/** Those of one scope, where the options name one. */
export function ofScope<Item extends { scope: SetupScope }>(items: readonly Item[], options: ScopeOptions): Item[] {
  const scope = optionalScope(options)
  return items.filter((item) => !scope || describeScope(item.scope) === describeScope(scope))
}

export function clientOf(options: { data: string }) {
  return openClient({ socketPath: socketPathOf(options.data) })
}
