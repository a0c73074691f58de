import { Type } from 'typebox'
import { timelineKinds } from './timeline.ts'

/** Where events are told to another program, and which; all where not given. */
export const webhookTerms = {
  url: Type.String({ pattern: '^https?://[^/?#]', maxLength: 2000 }),
  kinds: Type.Optional(Type.Array(Type.Enum([...timelineKinds]), { minItems: 1, uniqueItems: true })),
}
