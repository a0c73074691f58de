import { type CleanUpName, type CleanUpOperation, cleanUpOperations } from '../image/clean-up/operations.ts'
import { quoteShell } from './quote-shell.ts'

/**
 * While a system is built its /tmp has the configuration by which mmdebstrap's apt knows that it works there: without that
 * file it would empty the lists of the machine that builds. It cleans /tmp itself at the end.
 */
const mmdebstrapsOwn = /^tmp\//

/** A clean-up operation as it is done inside a system that is being built: the same table as for any source. */
export function cleanUpLines(name: CleanUpName): string[] {
  const { files = [], contents = [], emptied = [], lines, ...operation }: CleanUpOperation = cleanUpOperations[name]
  const trees = operation.trees?.filter((pattern) => !mmdebstrapsOwn.test(pattern)) ?? []
  return [
    `# ${name}`,
    ...[...byDirectory(files)].map(([place, names]) =>
      find(place, `-maxdepth 1 ! -type d ${anyOf(names)} -exec rm -f {} +`),
    ),
    ...[...byDirectory(trees)].map(([place, names]) => find(place, `-maxdepth 1 ${anyOf(names)} -exec rm -rf {} +`)),
    ...contents.map((pattern) => find(`/${pattern}`, '! -type d -exec rm -f {} +')),
    ...emptied.map((path) => `if [ -f /${path} ]; then : > /${path}; fi`),
    ...(lines ? [lineRemoval(lines)] : []),
  ]
}

/** Patterns as places and names in them, so that one look finds all of a place. */
function byDirectory(patterns: readonly string[]): Map<string, string[]> {
  const places = Map.groupBy(patterns, (pattern) => `/${pattern.split('/').slice(0, -1).join('/')}`)
  return new Map([...places].map(([place, those]) => [place, those.map((pattern) => pattern.split('/').at(-1)!)]))
}

/** A place that is not there is no fault; one that is a link is not followed. busybox's find has no -delete. */
function find(places: string, what: string): string {
  const place = places.includes('*') ? '"$place"' : places
  const look = `if [ -d ${place} ] && [ ! -L ${place} ]; then find ${place} -mindepth 1 ${what}; fi`
  return place === places ? look : `for place in ${places}; do ${look}; done`
}

function anyOf(names: readonly string[]): string {
  return `\\( ${names.map((name) => `-name ${quoteShell(name)}`).join(' -o ')} \\)`
}

function lineRemoval({ files, beginWith }: NonNullable<CleanUpOperation['lines']>): string {
  const expressions = beginWith.map((start) => `-e ${quoteShell(`/^${start}/d`)}`).join(' ')
  return `for file in /${files}; do if [ -f "$file" ]; then sed -i ${expressions} "$file"; fi; done`
}
