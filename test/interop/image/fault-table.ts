import fs from 'node:fs'

/** A line of the table of docs/image-store.md. */
export type FaultRow = { fault: string; found: string; breaks: string; mended: string; lost: string; told: string }

const begin = '<!-- fault table: made by test/interop/image-faults.test.ts -->'
const end = '<!-- end of fault table -->'

export function formatTable(rows: readonly FaultRow[]): string {
  const head = '| injected | found as | breaks | mended by | lost | the operator reads |\n|---|---|---|---|---|---|'
  const lines = rows.map((row) => {
    const cells = [row.fault, row.found, row.breaks, row.mended, row.lost, row.told]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  })
  return [head, ...lines].join('\n')
}

/** What is in the page now; with UPDATE_DOCS=1 the table is written there first. */
export function tableInPage(page: string, table: string): string {
  const text = fs.readFileSync(page, 'utf8')
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
  if (start < 0 || stop < start) throw new Error(`${page} has no place for the fault table: ${begin} … ${end}`)
  if (process.env.UPDATE_DOCS === '1') {
    fs.writeFileSync(page, `${text.slice(0, start)}${begin}\n${table}\n${text.slice(stop)}`)
    return table
  }
  return text.slice(start + begin.length, stop).trim()
}

/** Without what differs from run to run: ids, directories, sizes. */
export function withoutIds(text: string, ...directories: string[]): string {
  let plain = text
  for (const directory of directories) plain = plain.replaceAll(directory, 'IMAGES')
  return plain
    .replace(/[0-9a-f]{64}/g, 'ID')
    .replace(/"[ 0-9a-f]{60,64}"/g, '"ID"')
    .replace(/@[0-9a-f]{12}/g, '@ID')
    .replace(/at byte \d+/g, 'at byte N')
    .replace(/\d+ MiB are free/, 'N MiB are free')
    .replace(/[^/ ]+\.\d+\.[0-9a-f]{12}/, 'HOST.PID.RANDOM')
}
