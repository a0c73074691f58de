import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { type Document, isMap, LineCounter, type Node, parseDocument } from 'yaml'
import { narrowUnions } from './narrow-unions.ts'

/** What is wrong in a file, and where: the names and indices that lead there. */
export type FileProblem = { path: readonly (string | number)[]; message: string }

/** A file that cannot be used. Each of `problems` begins with `FILE:LINE:COLUMN:`, where a place is known. */
export class YamlFileInvalid extends Error {
  override readonly name = 'YamlFileInvalid'
  readonly path: string
  readonly problems: readonly string[]

  /** `kind`: what it should be, such as `layout`. */
  constructor(kind: string, path: string, problems: readonly string[], cause?: unknown) {
    super(`Cannot use the ${kind} ${path}:\n  ${problems.join('\n  ')}`, { cause })
    this.path = path
    this.problems = problems
  }
}

/** What a file says, and how to refuse it for what only shows later. */
export type CheckedFile<Content> = {
  content: Content
  /** Throws YamlFileInvalid with the places of the problems. */
  refuse(problems: readonly FileProblem[], cause?: unknown): never
}

/** YAML (JSON is YAML too) to what a schema allows. `path` only names it in errors. Throws YamlFileInvalid. */
export function parseYamlFile<Schema extends TSchema>(
  schema: Schema,
  { kind, path, text }: { kind: string; path: string; text: string },
): CheckedFile<Static<Schema>> {
  const lines = new LineCounter()
  // What it would warn of on stderr, the schema refuses with its place.
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error' })
  const at = (offset: number, message: string) => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}: ${message}`
  }
  if (document.errors.length > 0) {
    const sentences = document.errors.map(({ pos, message }) => at(pos[0], firstLine(message)))
    throw new YamlFileInvalid(kind, path, sentences, document.errors[0])
  }
  const refuse = (problems: readonly FileProblem[], cause?: unknown): never => {
    const sentences = problems.map((problem) => at(offsetOf(document, problem.path), sentence(problem)))
    throw new YamlFileInvalid(kind, path, sentences, cause)
  }
  const content = contentOf(document, (cause) => new YamlFileInvalid(kind, path, [(cause as Error).message], cause))
  if (Value.Check(schema, content)) return { content, refuse }
  return refuse(schemaProblems(narrowUnions(schema, content), content, kind))
}

/** Aliases that unfold without end, or are of nothing, are refused. */
function contentOf(document: Document, refusal: (cause: unknown) => YamlFileInvalid): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw refusal(cause)
  }
}

/** Without the place, which is told in front of it. */
function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, '')
}

function sentence({ path, message }: FileProblem): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`
}

/** Where the name of a path stands, or the list's item; the nearest above it that is there otherwise. */
function offsetOf(document: Document, path: FileProblem['path']): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === String(path[length - 1])) : undefined
    const node = (pair?.key ?? document.getIn(path.slice(0, length), true)) as Node | null | undefined
    if (node?.range) return node.range[0]
  }
  return document.contents?.range?.[0] ?? 0
}

function schemaProblems(schema: TSchema, content: unknown, kind: string): FileProblem[] {
  const problems = new Map<string, FileProblem>()
  for (const error of Value.Errors(schema, content)) {
    // what is told better by the errors of its parts
    if (error.keyword === 'additionalProperties' || error.keyword === 'anyOf') continue
    const path = error.instancePath
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    if (!problems.has(error.instancePath)) {
      problems.set(error.instancePath, { path, message: schemaMessage(error, schemaAt(schema, path), kind) })
    }
  }
  return problems.size > 0 ? [...problems.values()] : [{ path: [], message: `it is no ${kind}` }]
}

function schemaMessage(
  { keyword, message }: ReturnType<typeof Value.Errors>[number],
  schema: AnySchema | undefined,
  kind: string,
): string {
  if (keyword === 'boolean') return `there is no such name in a ${kind}`
  const choices = schema?.enum ?? (schema?.anyOf ?? []).flatMap((choice) => choice.const ?? [])
  if (choices.length > 0) return `it is one of ${choices.join(', ')}`
  if (keyword !== 'pattern') return message
  return `it does not have the form it needs${schema?.description ? ` (${schema.description})` : ''}`
}

type AnySchema = {
  properties?: Record<string, AnySchema>
  patternProperties?: Record<string, AnySchema>
  items?: AnySchema | AnySchema[]
  anyOf?: AnySchema[]
  enum?: unknown[]
  const?: unknown
  description?: string
}

function itemAt(items: AnySchema['items'], index: string): AnySchema | undefined {
  return Array.isArray(items) ? items[Number(index)] : items
}

/** The part of a schema that the value at a path is checked by. */
function schemaAt(schema: TSchema, path: readonly string[]): AnySchema | undefined {
  return path.reduce<AnySchema | undefined>(
    (at, part) => itemAt(at?.items, part) ?? at?.properties?.[part] ?? Object.values(at?.patternProperties ?? {})[0],
    schema,
  )
}
