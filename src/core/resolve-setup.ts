import type { DeployRendition } from './order.ts'
import {
  type DeploymentSetup,
  type FileTemplate,
  type GivenVariable,
  hooksAt,
  type InjectedFile,
  type StoredSetup,
} from './setup.ts'
import { compareScopes, describeScope, type SetupScope } from './setup-scope.ts'
import { renderTemplate } from './template.ts'

/** What every deployment has a variable for; absent where there is nothing to say, such as no reserved address. */
export type SetupFacts = Readonly<Record<string, string | undefined>>

/** The agent reads an order of up to 1 MiB, in which this is base64. */
const setupLimitBytes = 384 * 1024
const filesNotWritten = 'a foreign disk (rendition disk) has its own files, into which nothing is written'

export type ResolvedSetup = { kind: 'setup'; setup: DeploymentSetup } | { kind: 'refused'; problems: string[] }

/**
 * What a deployment is given, from all that was said for its image, its group and its machine: of variables with one name
 * and files with one path the nearest to the machine, and every hook, the image's first.
 */
export function resolveSetup(stored: StoredSetup, facts: SetupFacts, rendition: DeployRendition): ResolvedSetup {
  const variables = givenVariables(stored, facts)
  const templates = nearest(stored.files, ({ path }) => path)
  const rendered = templates.map((file) => injectFile(file, variables))
  const hooks = stored.hooks.toSorted((one, other) => compareScopes(one.scope, other.scope))
  const setup = { hooks, variables, files: rendered.map(({ file }) => file) }
  const problems = [...rendered.flatMap((one) => one.problems), ...(rendition === 'disk' ? whatDiskRefuses(setup) : [])]
  if (Buffer.byteLength(JSON.stringify(setup)) > setupLimitBytes) {
    problems.push(`scripts and files of one deployment are at most ${setupLimitBytes / 1024} KiB together`)
  }
  return problems.length === 0 ? { kind: 'setup', setup } : { kind: 'refused', problems }
}

function givenVariables(stored: StoredSetup, facts: SetupFacts): GivenVariable[] {
  const ours = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value, secret: false }],
  )
  const theirs = nearest(stored.variables, ({ name }) => name)
  return [...ours, ...theirs.map(({ name, value, secret }) => ({ name, value, secret }))]
}

/** The last of each key, in the order of the keys. */
function nearest<Item extends { scope: SetupScope }>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  const sorted = items.toSorted((one, other) => compareScopes(one.scope, other.scope))
  const byKey = new Map(sorted.map((item) => [keyOf(item), item]))
  return [...byKey].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item)
}

function injectFile(
  { scope, path, template, verbatim, mode, owner }: FileTemplate,
  variables: readonly GivenVariable[],
): { file: InjectedFile; problems: string[] } {
  const values = new Map(variables.map(({ name, value }) => [name, value]))
  const { text, used, problems } = verbatim
    ? { text: template, used: new Set(), problems: [] }
    : renderTemplate(template, values)
  const hasSecret = variables.some(({ name, secret }) => secret && used.has(name))
  return {
    file: { scope, path, text, mode: Number.parseInt(mode ?? (hasSecret ? '600' : '644'), 8), owner },
    problems: problems.map(({ line, message }) => `${path} of ${describeScope(scope)}, line ${line}: ${message}`),
  }
}

/** What would not be done is not left out in silence. */
function whatDiskRefuses(setup: DeploymentSetup): string[] {
  const hooks = [...hooksAt(setup, 'after-write'), ...hooksAt(setup, 'first-boot')]
  return [
    ...hooks.map(
      ({ point, scope }) => `the ${point} hook of ${describeScope(scope)} would not run: ${filesNotWritten}`,
    ),
    ...setup.files.map(
      ({ path, scope }) => `${path} of ${describeScope(scope)} would not be there: ${filesNotWritten}`,
    ),
  ]
}
