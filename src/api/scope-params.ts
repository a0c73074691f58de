import { type Static, Type } from 'typebox'
import { ScopeKind, type SetupScope } from '../core/setup-scope.ts'

const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,127}$' })

/** Whose a hook, variable or file is: `/group/web`. */
export const ScopeParams = Type.Object({ scope: ScopeKind, owner: Name })

export function scopeOf({ scope: kind, owner: name }: Static<typeof ScopeParams>): SetupScope {
  return { kind, name }
}
