import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'

/*
 * The JSON of an OCI image (image-spec 1.1: descriptor.md, image-index.md, manifest.md, config.md), what of it is used.
 * Docker's own forms of index, manifest and config have the same members.
 */

const Digest = Type.String({ pattern: '^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$' })

const Platform = Type.Object({
  architecture: Type.String(),
  os: Type.String(),
  variant: Type.Optional(Type.String()),
})
export type Platform = Static<typeof Platform>

const Descriptor = Type.Object({
  mediaType: Type.String(),
  digest: Digest,
  size: Type.Integer({ minimum: 0 }),
  platform: Type.Optional(Platform),
  annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
})
export type Descriptor = Static<typeof Descriptor>

const Index = Type.Object({ schemaVersion: Type.Literal(2), manifests: Type.Array(Descriptor, { maxItems: 10_000 }) })
export type Index = Static<typeof Index>

const Manifest = Type.Object({
  schemaVersion: Type.Literal(2),
  config: Descriptor,
  layers: Type.Array(Descriptor, { maxItems: 10_000 }),
})
export type Manifest = Static<typeof Manifest>

const Config = Type.Object({
  architecture: Type.Optional(Type.String()),
  os: Type.Optional(Type.String()),
  variant: Type.Optional(Type.String()),
  /** What a container of it would run, and how: Env, Cmd, Labels … */
  config: Type.Optional(Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])),
  rootfs: Type.Object({ type: Type.Literal('layers'), diff_ids: Type.Array(Digest) }),
})
export type Config = Static<typeof Config>

/** The manifest.json of `docker save`, before Docker 25 the only description in it. */
const DockerManifest = Type.Array(
  Type.Object({
    Config: Type.String(),
    RepoTags: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
    Layers: Type.Array(Type.String(), { maxItems: 10_000 }),
  }),
)
export type DockerManifest = Static<typeof DockerManifest>

export const indexTypes: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]
export const manifestTypes: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]
export const configTypes: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]
/** How it is compressed is seen from its first bytes. Encrypted ones (+encrypted) are not among them. */
export const layerTypePattern =
  /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+gzip|\+zstd)?|docker\.image\.rootfs\.(foreign\.)?diff\.tar(\.gzip|\.zstd)?)$/

export const decodeIndex = (bytes: Buffer): Index => decode('OCI image index', Index, bytes)
export const decodeManifest = (bytes: Buffer): Manifest => decode('OCI image manifest', Manifest, bytes)
export const decodeConfig = (bytes: Buffer): Config => decode('OCI image configuration', Config, bytes)
export const decodeDockerManifest = (bytes: Buffer): DockerManifest =>
  decode('manifest.json of a Docker archive', DockerManifest, bytes)

function decode<Schema extends TSchema>(what: string, schema: Schema, bytes: Buffer): Static<Schema> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    throw new DecodeError(what, 'it is not JSON')
  }
  if (Value.Check(schema, value)) return value as Static<Schema>
  const [error] = Value.Errors(schema, value)
  throw new DecodeError(what, `${error?.instancePath ?? ''} ${error?.message ?? 'it is malformed'}`.trim())
}
