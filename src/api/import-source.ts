import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false }
/** On the machine of the service. */
const path = Type.String({ pattern: '^/', maxLength: 4096 })
const Plain = Type.Object(
  {
    kind: Type.Union([
      Type.Literal('recipe'),
      Type.Literal('tar'),
      Type.Literal('directory'),
      Type.Literal('btrfs', { description: 'A subvolume or snapshot' }),
    ]),
    path,
  },
  closed,
)
const Lxc = Type.Object(
  {
    kind: Type.Literal('lxc'),
    name: Type.String({ maxLength: 4096, description: 'Name of the container, or its directory' }),
    consistency: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('snapshot'), Type.Literal('freeze'), Type.Literal('stop')], {
        description: 'How a running container is kept still; auto if not given',
      }),
    ),
  },
  closed,
)
const Oci = Type.Object(
  {
    kind: Type.Literal('oci'),
    name: Type.String({ maxLength: 4096, description: 'A path, or what skopeo copies: docker://REGISTRY/NAME:TAG' }),
    platform: Type.Optional(Type.String({ maxLength: 100, description: 'linux/arm64; this machine’s if not given' })),
    reference: Type.Optional(
      Type.String({ maxLength: 500, description: 'Which image of a layout that holds several' }),
    ),
    authFile: Type.Optional(path),
  },
  closed,
)
const Disk = Type.Object(
  {
    kind: Type.Literal('disk'),
    path,
    format: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,32}$', description: 'As qemu-img names it' })),
    opened: Type.Optional(Type.Boolean({ description: 'Its files, in place of the whole disk bit by bit' })),
    partition: Type.Optional(Type.Integer({ minimum: 1, maximum: 256, description: 'Where the root is; found' })),
    subvolume: Type.Optional(Type.String({ maxLength: 4096, description: 'Of a btrfs, where the root is; found' })),
  },
  closed,
)

/** What a version is made of. */
export const ImportSource = Type.Union([Plain, Lxc, Oci, Disk])
export type ImportSource = Static<typeof ImportSource>
