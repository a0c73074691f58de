import type { InstalledPackage } from './installed-package.ts'

/** Of deb822 stanzas (dpkg-query(1), "status"): these states mean that no file of the package is there. */
const absentStates = new Set(['not-installed', 'config-files'])

/** Reads /var/lib/dpkg/status, or one file of status.d, whose stanzas have no Status. What is no stanza is passed over. */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = []
  for (const stanza of text.split(/\n\s*\n/)) {
    const fields = readFields(stanza)
    const name = fields.get('package')
    const version = fields.get('version')
    if (name === undefined || version === undefined) continue
    const state = fields.get('status')?.split(' ').at(-1)
    if (state !== undefined && absentStates.has(state)) continue
    packages.push({ manager: 'dpkg', name, architecture: fields.get('architecture') ?? '', version })
  }
  return packages
}

/** First lines only: a line that starts with a space goes on with the field before it, none of which is wanted. */
function readFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of stanza.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0 || line.startsWith(' ') || line.startsWith('\t')) continue
    fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return fields
}
