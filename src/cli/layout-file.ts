import { readFile } from 'node:fs/promises'
import { Value } from 'typebox/value'
import { type Document, isMap, LineCounter, type Node, parseDocument } from 'yaml'
import { Layout } from '../core/layout.ts'
import { type LayoutProblem, layoutProblems } from '../core/layout-problems.ts'

/** A file that is no layout. Each problem begins with `FILE:LINE:COLUMN:`. */
export class LayoutFileInvalid extends Error {
  override readonly name = 'LayoutFileInvalid'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], cause?: unknown) {
    super(problems.join('\n'), { cause })
    this.problems = problems
  }
}

/** What `--layout` takes: the name of a ready one, which the service knows, or a file. */
export async function readLayoutArgument(text: string): Promise<string | Layout> {
  return /[./]/.test(text) ? readLayoutFile(text) : text
}

/** Throws LayoutFileInvalid, also when the file cannot be read. */
export async function readLayoutFile(path: string): Promise<Layout> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new LayoutFileInvalid([`Cannot read the layout ${path}: ${(cause as Error).message}`], cause)
  }
  return parseLayout(text, path)
}

/** YAML (JSON is YAML too) to a checked layout. `path` only names it in errors. Throws LayoutFileInvalid. */
export function parseLayout(text: string, path: string): Layout {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  if (document.errors.length > 0) {
    const problems = document.errors.map(
      (error) => `${at(error.pos[0])}: ${error.message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, '')}`,
    )
    throw new LayoutFileInvalid(problems, document.errors[0])
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  const found = Value.Check(Layout, value) ? layoutProblems(value) : schemaProblems(value)
  if (found.length > 0) {
    throw new LayoutFileInvalid(found.map((problem) => `${at(offsetOf(document, problem.path))}: ${sentence(problem)}`))
  }
  return value as Layout
}

function sentence({ path, message }: LayoutProblem): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`
}

/** Where the value of a path begins; of a name that should not be there, the name. The nearest that exists otherwise. */
function offsetOf(document: Document, path: LayoutProblem['path']): number {
  for (let length = path.length; length >= 0; length--) {
    const parent = length === 0 ? undefined : document.getIn(path.slice(0, length - 1), true)
    const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === path[length - 1]) : undefined
    const node = (pair?.key ?? (length === 0 ? document.contents : document.getIn(path.slice(0, length), true))) as
      | Node
      | null
      | undefined
    if (node?.range) return node.range[0]
  }
  return 0
}

function schemaProblems(value: unknown): LayoutProblem[] {
  const problems: LayoutProblem[] = []
  for (const error of Value.Errors(Layout, value)) {
    const path = error.instancePath
      .split('/')
      .slice(1)
      .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')))
    const message = schemaMessage(error, path)
    const isTold = problems.some((problem) => problem.path.join() === path.join())
    if (message !== undefined && !isTold) problems.push({ path, message })
  }
  return problems
}

type SchemaError = ReturnType<typeof Value.Errors>[number]

/** Undefined for what other errors of the same value say better. */
function schemaMessage(error: SchemaError, path: LayoutProblem['path']): string | undefined {
  const schema = schemaAt(path)
  if (error.keyword === 'additionalProperties') return undefined
  if (error.keyword === 'boolean') return 'there is no such name in a layout'
  const choices = (schema?.anyOf ?? []).map((choice: { const?: unknown }) => choice.const).filter(Boolean)
  if (choices.length > 0) return `it is one of ${choices.join(', ')}`
  if (error.keyword === 'pattern')
    return `it does not have the form it needs${schema?.description ? ` (${schema.description})` : ''}`
  return error.message
}

type AnySchema = {
  properties?: Record<string, AnySchema>
  items?: AnySchema
  anyOf?: { const?: unknown }[]
  description?: string
}

/** The part of the layout's schema that a value is checked by. */
function schemaAt(path: LayoutProblem['path']): AnySchema | undefined {
  let schema: AnySchema | undefined = Layout as AnySchema
  for (const part of path) schema = typeof part === 'number' ? schema?.items : schema?.properties?.[part]
  return schema
}
