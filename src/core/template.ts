/** A place in a template that cannot be rendered; lines count from 1. */
export type TemplateProblem = { line: number; message: string }

export type RenderedTemplate = {
  text: string
  /** Names of the variables that stand in it. */
  used: ReadonlySet<string>
  problems: TemplateProblem[]
}

const tag = /\{\{[ \t]*(?:([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)|'(\{\{)')[ \t]*\}\}/y

/**
 * `{{ NAME }}` becomes the variable's value as it is, and `{{ '{{' }}` two braces; there is nothing else. A value of
 * several lines may only stand alone on its line, whose indentation all of them get: so no value ends the line it is in.
 */
export function renderTemplate(template: string, values: ReadonlyMap<string, string>): RenderedTemplate {
  const used = new Set<string>()
  const problems: TemplateProblem[] = []
  let text = ''
  let at = 0
  for (let open = template.indexOf('{{'); open !== -1; open = template.indexOf('{{', at)) {
    text += template.slice(at, open)
    tag.lastIndex = open
    const match = tag.exec(template)
    const end = match ? tag.lastIndex : open + 2
    const place = placeOf(template, open, end)
    const refuse = (message: string) => void problems.push({ line: place.line, message })
    if (match?.[1] !== undefined) {
      used.add(match[1])
      text += renderValue(match[1], values, place, refuse)
    } else if (match) text += '{{'
    else refuse(`{{ begins no variable; write {{ name }}, or {{ '{{' }} for two braces`)
    at = end
  }
  return { text: text + template.slice(at), used, problems }
}

type Place = { line: number; before: string; after: string }

function placeOf(template: string, open: number, end: number): Place {
  const lineStart = template.lastIndexOf('\n', open - 1) + 1
  const newline = template.indexOf('\n', end)
  return {
    line: template.slice(0, open).split('\n').length,
    before: template.slice(lineStart, open),
    after: template.slice(end, newline === -1 ? undefined : newline),
  }
}

function renderValue(
  name: string,
  values: ReadonlyMap<string, string>,
  { before, after }: Place,
  refuse: (message: string) => void,
): string {
  const value = values.get(name)
  if (value === undefined) {
    refuse(`there is no variable "${name}"; there are ${[...values.keys()].sort().join(', ')}`)
    return ''
  }
  if (!value.includes('\n')) return value
  if (before.trim() !== '' || after.trim() !== '') {
    refuse(`the value of "${name}" has several lines, so that it needs a line of its own`)
  }
  // The template's own line end follows.
  return value.replace(/\n$/, '').replaceAll('\n', `\n${before}`)
}
