import { type Static, Type } from 'typebox'
import { Statement } from '../image/statement.ts'

/*
 * Images as the API shows them. Times are milliseconds since the epoch, sizes bytes, version ids 64 hexadecimal digits.
 */

const name = '^[a-z0-9][a-z0-9._-]{0,63}$'
const versionId = '^[0-9a-f]{64}$'

export const ImageName = Type.Object({ name: Type.String({ pattern: name }) })
export const TagName = Type.Object({ name: Type.String({ pattern: name }), tag: Type.String({ pattern: name }) })
/** At least four digits of a version id. */
export const VersionName = Type.Object({
  name: Type.String({ pattern: name }),
  version: Type.String({ pattern: '^[0-9a-f]{4,64}$' }),
})
/** `NAME`, `NAME:TAG` or `NAME@VERSION`. */
export const Reference = Type.String({ maxLength: 200 })

const { format: _, version: __, ...said } = Statement.properties
export const VersionSummary = Type.Object({
  id: Type.String({ pattern: versionId }),
  ...said,
  tags: Type.Array(Type.String()),
})
export type VersionSummary = Static<typeof VersionSummary>

/** Tag names and version ids. */
const Tags = Type.Record(Type.String(), Type.String({ pattern: versionId }))

export const ImageSummary = Type.Object({ name: Type.String(), versions: Type.Integer(), tags: Tags })
export type ImageSummary = Static<typeof ImageSummary>

/** `keepNewest` is null where nothing is ever removed by age. */
export const Retention = Type.Object(
  { keepNewest: Type.Union([Type.Integer({ minimum: 1, maximum: 100_000 }), Type.Null()]) },
  { additionalProperties: false },
)
export type Retention = Static<typeof Retention>

export const ImageDetails = Type.Object({
  name: Type.String(),
  tags: Tags,
  retention: Retention,
  versions: Type.Array(VersionSummary),
})
export type ImageDetails = Static<typeof ImageDetails>

export const TagMove = Type.Object({
  image: Type.String(),
  tag: Type.String(),
  from: Type.Union([Type.String(), Type.Null()]),
  to: Type.String(),
})
export type TagMove = Static<typeof TagMove>

/** `because` is empty for a version that goes. */
export const RetentionVerdict = Type.Object({
  image: Type.String(),
  version: Type.String(),
  because: Type.Array(Type.String()),
})
export type RetentionVerdict = Static<typeof RetentionVerdict>
