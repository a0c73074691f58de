import { type Static, Type } from 'typebox'

/** What a machine's next network boot does. */
export const intentKinds = [
  ...(['local', 'deploy', 'ramroot', 'install', 'rescue', 'wipe', 'menu', 'discover', 'kernel', 'run'] as const),
] as const
export type IntentKind = (typeof intentKinds)[number]

/**
 * A machine's intent. `revision` counts every change, so that a boot token made for an older intent is known as such.
 * `deploymentId` stands exactly when the kind is `deploy`; `errandId` when an errand is what is to be done.
 */
export type Intent = { kind: IntentKind; revision: number; deploymentId?: string; errandId?: string }

const KernelArguments = Type.Array(Type.String({ pattern: '^[!-~]+$', maxLength: 1024 }), { maxItems: 64 })
const TreePath = Type.String({ minLength: 1, maxLength: 512, pattern: '^[^/\\\\\\0][^\\\\\\0]*$' })

/** A kernel of the operator's; paths are in the virtual tree, most often of the site's own files. */
export const KernelChoice = Type.Object(
  {
    kernel: TreePath,
    initrds: Type.Optional(Type.Array(TreePath, { maxItems: 16 })),
    /** `{{name}}`, `{{mac}}`, `{{address}}`, `{{server}}` and `{{done}}` are filled in. */
    arguments: Type.Optional(KernelArguments),
  },
  { additionalProperties: false },
)
export type KernelChoice = Static<typeof KernelChoice>

/** A disk that keeps what a system in memory does not; mounted by the label of its filesystem. */
export const DataDisk = Type.Object(
  {
    label: Type.String({ pattern: '^[A-Za-z0-9._-]{1,16}$' }),
    mount: Type.String({ pattern: '^(/[A-Za-z0-9._-]+)+$', maxLength: 200 }),
    /** On which disk it is made where it is missing, if that is empty; never made where this is not given. */
    disk: Type.Optional(
      Type.Union([
        Type.Literal('any'),
        Type.Object(
          { serial: Type.String({ pattern: '^[!-~]+( [!-~]+)*$', maxLength: 100 }) },
          { additionalProperties: false },
        ),
      ]),
    ),
  },
  { additionalProperties: false },
)
export type DataDisk = Static<typeof DataDisk>

/** A version that is run from RAM: what the reference means is looked up at every boot. */
export const RamrootChoice = Type.Object(
  {
    image: Type.String({ minLength: 1, maxLength: 200, description: 'NAME, NAME:TAG or NAME@VERSION' }),
    rendition: Type.Union([Type.Literal('squashfs'), Type.Literal('initrd')]),
    arguments: Type.Optional(KernelArguments),
    overlay: Type.Optional(Type.Union([Type.Literal('tmpfs'), Type.Literal('zram')])),
    overlayMegabytes: Type.Optional(
      Type.Integer({ minimum: 16, maximum: 1_048_576, description: 'What may be written' }),
    ),
    dataDisks: Type.Optional(Type.Array(DataDisk, { maxItems: 16 })),
  },
  { additionalProperties: false },
)
export type RamrootChoice = Static<typeof RamrootChoice>

/** What a machine boots while nothing is ordered; an order that is used up leads back to it. */
export const StandingIntent = Type.Union([
  Type.Object({ kind: Type.Literal('local') }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('menu') }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('discover') }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('kernel'), boot: KernelChoice }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('ramroot'), boot: RamrootChoice }, { additionalProperties: false }),
])
export type StandingIntent = Static<typeof StandingIntent>

/**
 * Whether somebody wants something of the machine's next network boot. `discover` at revision 0 is what a machine begins with; later
 * it is the operator's wish, or what a deployment that failed leaves.
 */
export function isOrdered({ kind, revision }: Intent): boolean {
  return kind !== 'local' && !(kind === 'discover' && revision === 0)
}
