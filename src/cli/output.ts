export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Columns as wide as their widest cell; with no header, a list of names and values. */
export function printTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  output: NodeJS.WritableStream = process.stdout,
): void {
  const all = header.length > 0 ? [header, ...rows] : rows
  const widths: number[] = []
  for (const row of all)
    for (const [index, text] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, text.length)
  for (const row of all) {
    output.write(
      `${row
        .map((text, index) => text.padEnd(widths[index]!))
        .join('  ')
        .trimEnd()}\n`,
    )
  }
}

const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** Decimal units, as disks and links are sold: "12.3 MB". */
export function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[power]}`
}

export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
