import { type TSchema, Type } from 'typebox'

type AnySchema = TSchema & {
  anyOf?: AnySchema[]
  properties?: Record<string, AnySchema>
  items?: AnySchema
  const?: unknown
}

/**
 * The schema with each union of objects that have a `kind` in place of which stands the one that a value means, so that its
 * errors are about that one.
 */
export function narrowUnions(schema: TSchema, value: unknown): TSchema {
  const { anyOf, properties, items } = schema as AnySchema
  const choices = anyOf && kindsOf(anyOf)
  if (choices) {
    const chosen = isObject(value) ? choices.get(value.kind) : undefined
    return chosen ? narrowUnions(chosen, value) : Type.Object({ kind: Type.Enum([...choices.keys()] as string[]) })
  }
  if (properties && isObject(value)) {
    const narrowed = Object.entries(properties).map(([name, part]) => [
      name,
      value[name] === undefined ? part : narrowUnions(part, value[name]),
    ])
    return { ...schema, properties: Object.fromEntries(narrowed) } as TSchema
  }
  if (items && Array.isArray(value)) return Type.Tuple(value.map((item) => narrowUnions(items, item)))
  return schema
}

/** The objects of a union, of unions in it too, by their `kind`; undefined where it has something else. */
function kindsOf(members: readonly AnySchema[]): Map<unknown, AnySchema> | undefined {
  const kinds = new Map<unknown, AnySchema>()
  for (const member of members) {
    const kind = member.properties?.kind?.const
    if (kind !== undefined) kinds.set(kind, member)
    else {
      const inner = member.anyOf && kindsOf(member.anyOf)
      if (!inner) return undefined
      for (const [name, schema] of inner) kinds.set(name, schema)
    }
  }
  return kinds
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
