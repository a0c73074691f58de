import { type Static, type TBoolean, type TOptional, Type } from 'typebox'
import { renderTemplate } from '../core/template.ts'
import { type CheckedFile, type FileProblem, parseYamlFile } from '../core/yaml-file.ts'
import { type CleanUpName, cleanUpNames } from '../image/clean-up/operations.ts'
import { isRamRootForm, isRenditionName } from '../image/renditions/rendition-name.ts'

const variableName = '^[a-z][a-z0-9_]*$'
const strict = { additionalProperties: false } as const
const AbsolutePath = Type.String({ pattern: '^/[^\\u0000-\\u001f]*[^/\\u0000-\\u001f]$' })
const AccountName = Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' })
const PackageName = Type.String({ pattern: '^[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?(=[A-Za-z0-9.+:~-]+)?$' })

/** One line of apt's sources, for mirrors that this machine's apt does not know. */
export const AptSourceEntry = Type.Object(
  {
    uri: Type.String({ pattern: '^[a-z+]+:[^\\s\\[\\]]+$' }),
    suite: Type.String({ pattern: '^[A-Za-z0-9._/-]+$' }),
    components: Type.Array(Type.String({ pattern: '^[a-z-]+$' })),
    signedBy: Type.Optional(AbsolutePath),
  },
  strict,
)
export type AptSourceEntry = Static<typeof AptSourceEntry>

const packageSources = {
  components: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z-]+$' }), { minItems: 1 })),
  /** Instead of the machine's own apt sources. */
  mirrors: Type.Optional(Type.Array(AptSourceEntry, { minItems: 1 })),
  architecture: Type.Optional(Type.String({ pattern: '^[a-z0-9]+$' })),
}
const suitePattern = '^[a-z][a-z0-9-]*$'

const MmdebstrapSource = Type.Object(
  {
    kind: Type.Literal('mmdebstrap'),
    /** `host`: the release this machine runs. Anything else comes from the same mirrors under its own name. */
    suite: Type.String({ pattern: suitePattern }),
    variant: Type.Enum(['minbase', 'apt', 'essential', 'required', 'important', 'standard', 'buildd']),
    ...packageSources,
  },
  strict,
)

/** Where the packages come from that are added to what is there: `suite` is `host` where not given. */
const added = { suite: Type.Optional(Type.String({ pattern: suitePattern })), ...packageSources }
const Path = Type.String({ minLength: 1, maxLength: 4096 })

/** A layer: it builds on another image's version, and is built anew when the reference means another one. */
const ImageSource = Type.Object(
  { kind: Type.Literal('image'), image: Type.String({ minLength: 1, maxLength: 200 }), ...added },
  strict,
)
/** What is imported first and built upon; paths are relative to the recipe's folder. */
const ForeignSource = Type.Union([
  Type.Object({ kind: Type.Literal('tar'), path: Path, ...added }, strict),
  Type.Object({ kind: Type.Literal('directory'), path: Path, ...added }, strict),
  Type.Object({ kind: Type.Literal('btrfs'), path: Path, ...added }, strict),
  Type.Object({ kind: Type.Literal('disk'), path: Path, ...added }, strict),
  Type.Object({ kind: Type.Literal('lxc'), name: Path, ...added }, strict),
  Type.Object({ kind: Type.Literal('oci'), name: Path, platform: Type.Optional(Type.String()), ...added }, strict),
])
export type ForeignSource = Static<typeof ForeignSource>

/** Where something is read when the image is built, because it must not stand in a recipe. */
const Outside = [
  Type.Object({ file: Type.String({ minLength: 1 }) }, strict),
  Type.Object({ env: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }) }, strict),
] as const

/** Never the password itself: a crypt(5) hash, or where to read the password when the image is built. */
const Password = Type.Union([Type.Object({ hash: Type.String({ pattern: '^\\$[^:\\n]+$' }) }, strict), ...Outside])
const Secret = Type.Union([...Outside])
export type RecipeSecret = Static<typeof Secret>

const User = Type.Object(
  {
    name: AccountName,
    /** Primary group, one that exists; a new group of the user's own name where not given. */
    group: Type.Optional(AccountName),
    groups: Type.Optional(Type.Array(AccountName)),
    shell: Type.Optional(AbsolutePath),
    password: Type.Optional(Password),
    authorizedKeys: Type.Optional(Type.Array(Type.String({ pattern: '^[^\\n]+$' }))),
    authorizedKeysFile: Type.Optional(Type.String({ minLength: 1 })),
  },
  strict,
)

const RecipeFile = Type.Object(
  {
    path: AbsolutePath,
    /** The text itself, or `from`: a path beside the recipe, or `link`: the target of a symbolic link. */
    content: Type.Optional(Type.String()),
    from: Type.Optional(Type.String({ minLength: 1 })),
    link: Type.Optional(Type.String({ minLength: 1 })),
    /** `{{ name }}` in it is filled in from the recipe's variables. */
    template: Type.Optional(Type.Boolean()),
    mode: Type.Optional(Type.String({ pattern: '^0[0-7]{3,4}$' })),
    owner: Type.Optional(AccountName),
    group: Type.Optional(AccountName),
  },
  strict,
)

/** Of configuration: a folder that is copied in, and when its program runs in it; `build`, with no service running, if not given. */
const configured = { from: Path, when: Type.Optional(Type.Enum(['build', 'firstBoot'])) }

/** Configuration management, run inside the new system; its program leaves with what it brought, where it was not there before. */
const Configuration = Type.Union([
  /** A folder with manifests and, in `modules`, modules. */
  Type.Object({ kind: Type.Literal('puppet'), ...configured, manifest: Type.String({ minLength: 1 }) }, strict),
  Type.Object({ kind: Type.Literal('ansible'), ...configured, playbook: Type.String({ minLength: 1 }) }, strict),
  Type.Object({ kind: Type.Literal('salt'), ...configured, states: Type.Optional(Type.Array(Type.String())) }, strict),
  Type.Object({ kind: Type.Literal('shell'), ...configured, script: Type.String({ minLength: 1 }) }, strict),
])
export type RecipeConfiguration = Static<typeof Configuration>

/** The virtual machine in which what is configured at first boot runs; it is off afterwards. */
const FirstBoot = Type.Object(
  {
    memoryMiB: Type.Optional(Type.Integer({ minimum: 256, maximum: 1 << 20 })),
    processors: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    /** From power-on until it is off. */
    timeoutMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 24 * 60 })),
  },
  strict,
)

const CleanUpSwitches = Type.Object(
  Object.fromEntries(cleanUpNames.map((name) => [name, Type.Optional(Type.Boolean())])) as Record<
    CleanUpName,
    TOptional<TBoolean>
  >,
  strict,
)

export const Recipe = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$' }),
    description: Type.Optional(Type.String()),
    source: Type.Union([MmdebstrapSource, ImageSource, ForeignSource]),
    packages: Type.Optional(Type.Array(PackageName)),
    /** dpkg path patterns that are never unpacked, and exceptions to them. */
    excludePaths: Type.Optional(Type.Array(Type.String({ pattern: '^/[^\\s]*$' }))),
    includePaths: Type.Optional(Type.Array(Type.String({ pattern: '^/[^\\s]*$' }))),
    hostname: Type.Optional(Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' })),
    users: Type.Optional(Type.Array(User)),
    files: Type.Optional(Type.Array(RecipeFile)),
    variables: Type.Optional(Type.Record(Type.String({ pattern: variableName }), Type.String())),
    /** Files of these names are at $SECRETS for commands and configuration; none of them may stay in the image. */
    secrets: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' }), Secret)),
    configure: Type.Optional(Type.Array(Configuration)),
    firstBoot: Type.Optional(FirstBoot),
    /** Shell commands run inside the new system, in order, with `sh -eu`. */
    commands: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    /** Shell commands that must succeed in the finished system. */
    checks: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    /** Operations of image/clean-up that are off; all are on but `hostname`, which the recipe says. */
    cleanUp: Type.Optional(CleanUpSwitches),
    /** The image's own package sources, one apt line each; the build's mirror never stays in the image. */
    aptSources: Type.Optional(Type.Array(Type.String({ pattern: '^deb(-src)? [^\\n]+$' }))),
    /** Renditions that are made of each version. */
    outputs: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9-]+$' }))),
    output: Type.Optional(Type.Union([Type.Literal('tar'), Type.Literal('tar.zst')])),
  },
  strict,
)
export type Recipe = Static<typeof Recipe>
export type RecipeUser = Static<typeof User>
export type RecipeFile = Static<typeof RecipeFile>

/** `path` only names it in errors. Throws YamlFileInvalid. */
export function parseRecipe(text: string, path: string): CheckedFile<Recipe> {
  const file = parseYamlFile(Recipe, { kind: 'recipe', path, text })
  const { files = [], users = [], variables = {} } = file.content
  const problems = [
    ...fileProblems(files, variables),
    ...userProblems(users),
    ...sourceProblems(file.content),
    ...firstBootProblems(file.content),
    ...outputProblems(file.content),
  ]
  return problems.length === 0 ? file : file.refuse(problems)
}

function fileProblems(files: readonly RecipeFile[], variables: Record<string, string>): FileProblem[] {
  return files.flatMap((file, index) => {
    const given = [file.content, file.from, file.link].filter((part) => part !== undefined).length
    const message = `${file.path} needs exactly one of content, from and link, and has ${given}`
    if (given !== 1) return [{ path: ['files', index], message }]
    if (!file.template || file.content === undefined) return []
    return templateProblems(file.content, variables).map((message) => ({ path: ['files', index], message }))
  })
}

/** Of a template's text, each with its line in it. */
export function templateProblems(text: string, variables: Record<string, string>): string[] {
  const { problems } = renderTemplate(text, new Map(Object.entries(variables)))
  return problems.map(({ line, message }) => `line ${line} of the template: ${message}`)
}

/** What only mmdebstrap can do from nothing. */
function sourceProblems({ source, excludePaths, includePaths }: Recipe): FileProblem[] {
  if (source.kind === 'mmdebstrap') return []
  const message = `it is for packages that mmdebstrap unpacks; the source here is ${source.kind}`
  return [
    ...(excludePaths ? [{ path: ['excludePaths'], message }] : []),
    ...(includePaths ? [{ path: ['includePaths'], message }] : []),
  ]
}

function firstBootProblems({ firstBoot, configure = [] }: Recipe): FileProblem[] {
  if (firstBoot === undefined || configure.some(({ when }) => when === 'firstBoot')) return []
  return [
    { path: ['firstBoot'], message: 'nothing is configured at first boot: a part of configure says `when: firstBoot`' },
  ]
}

function outputProblems({ outputs = [] }: Recipe): FileProblem[] {
  const known = (name: string) => isRamRootForm(name) || isRenditionName(name)
  const message = 'it is none of volume-ext4, volume-btrfs, volume-xfs, disk, btrfs, squashfs and initrd'
  return outputs.flatMap((name, index) => (known(name) ? [] : [{ path: ['outputs', index], message }]))
}

/** Which operations are on. */
export function cleanUpOf({ cleanUp = {} }: Recipe): CleanUpName[] {
  return cleanUpNames.filter((name) => cleanUp[name] ?? name !== 'hostname')
}

function userProblems(users: readonly RecipeUser[]): FileProblem[] {
  const names = users.map((user) => user.name)
  return names.flatMap((name, index) =>
    names.indexOf(name) === index ? [] : [{ path: ['users', index], message: `${name} stands there twice` }],
  )
}
