import { Layout } from '../core/layout.ts'
import { layoutProblems } from '../core/layout-problems.ts'
import { parseYamlFile } from '../core/yaml-file.ts'
import { readYamlText } from './read-yaml-text.ts'

const kind = 'layout'

/** What `--layout` takes: the name of a ready one, which the service knows, or a file. */
export async function readLayoutArgument(text: string): Promise<string | Layout> {
  return /[./]/.test(text) ? readLayoutFile(text) : text
}

/** Throws YamlFileInvalid, also when the file cannot be read. */
export async function readLayoutFile(path: string): Promise<Layout> {
  return parseLayout(await readYamlText(kind, path), path)
}

/** `path` only names it in errors. Throws YamlFileInvalid. */
export function parseLayout(text: string, path: string): Layout {
  const { content: layout, refuse } = parseYamlFile(Layout, { kind, path, text })
  const problems = layoutProblems(layout)
  return problems.length === 0 ? layout : refuse(problems)
}
