import { type Static, Type } from 'typebox'
import { type CheckedFile, type FileProblem, parseYamlFile } from '../core/yaml-file.ts'

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

const MmdebstrapSource = Type.Object(
  {
    kind: Type.Literal('mmdebstrap'),
    /** `host`: the release this machine runs. Anything else comes from the same mirrors under its own name. */
    suite: Type.String({ pattern: '^[a-z][a-z0-9-]*$' }),
    variant: Type.Enum(['minbase', 'apt', 'essential', 'required', 'important', 'standard', 'buildd']),
    components: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z-]+$' }), { minItems: 1 })),
    /** Instead of the machine's own apt sources. */
    mirrors: Type.Optional(Type.Array(AptSourceEntry, { minItems: 1 })),
    architecture: Type.Optional(Type.String({ pattern: '^[a-z0-9]+$' })),
  },
  strict,
)

/** Never the password itself: a crypt(5) hash, or where to read the password when the image is built. */
const Password = Type.Union([
  Type.Object({ hash: Type.String({ pattern: '^\\$[^:\\n]+$' }) }, strict),
  Type.Object({ file: Type.String({ minLength: 1 }) }, strict),
  Type.Object({ env: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }) }, strict),
])

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
    mode: Type.Optional(Type.String({ pattern: '^0[0-7]{3,4}$' })),
    owner: Type.Optional(AccountName),
    group: Type.Optional(AccountName),
  },
  strict,
)

export const Recipe = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$' }),
    description: Type.Optional(Type.String()),
    source: MmdebstrapSource,
    packages: Type.Optional(Type.Array(PackageName)),
    /** dpkg path patterns that are never unpacked, and exceptions to them. */
    excludePaths: Type.Optional(Type.Array(Type.String({ pattern: '^/[^\\s]*$' }))),
    includePaths: Type.Optional(Type.Array(Type.String({ pattern: '^/[^\\s]*$' }))),
    hostname: Type.Optional(Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' })),
    users: Type.Optional(Type.Array(User)),
    files: Type.Optional(Type.Array(RecipeFile)),
    /** Shell commands run inside the new system, in order, with `sh -eu`. */
    commands: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    /** The image's own package sources, one apt line each; the build's mirror never stays in the image. */
    aptSources: Type.Optional(Type.Array(Type.String({ pattern: '^deb(-src)? [^\\n]+$' }))),
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
  const { files = [], users = [] } = file.content
  const problems = [...fileProblems(files), ...userProblems(users)]
  return problems.length === 0 ? file : file.refuse(problems)
}

function fileProblems(files: readonly RecipeFile[]): FileProblem[] {
  return files.flatMap((file, index) => {
    const given = [file.content, file.from, file.link].filter((part) => part !== undefined).length
    const message = `${file.path} needs exactly one of content, from and link, and has ${given}`
    return given === 1 ? [] : [{ path: ['files', index], message }]
  })
}

function userProblems(users: readonly RecipeUser[]): FileProblem[] {
  const names = users.map((user) => user.name)
  return names.flatMap((name, index) =>
    names.indexOf(name) === index ? [] : [{ path: ['users', index], message: `${name} stands there twice` }],
  )
}
