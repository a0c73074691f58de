import { type Static, Type } from 'typebox'

/** Whose a hook, a variable or a file is. Farthest from the machine first: where two say the same, the nearer one counts. */
export const ScopeKind = Type.Union([Type.Literal('image'), Type.Literal('group'), Type.Literal('machine')])
export type ScopeKind = Static<typeof ScopeKind>

export const scopeKinds: readonly ScopeKind[] = ['image', 'group', 'machine']

export const SetupScope = Type.Object({ kind: ScopeKind, name: Type.String() })
export type SetupScope = Static<typeof SetupScope>

export function describeScope({ kind, name }: SetupScope): string {
  return `the ${kind} ${name}`
}

/** Images first, machines last; by name where the kind is the same. */
export function compareScopes(one: SetupScope, other: SetupScope): number {
  const byKind = scopeKinds.indexOf(one.kind) - scopeKinds.indexOf(other.kind)
  return byKind === 0 ? (one.name < other.name ? -1 : Number(one.name > other.name)) : byKind
}
