/** `place`: the names and indices that lead to it in the site file. */
export type SiteProblem = { place: readonly string[]; reason: string }

/** A site file that cannot be used; `problems` are sentences that begin with file, line and column. */
export class SiteFileInvalid extends Error {
  override readonly name = 'SiteFileInvalid'
  readonly path: string
  readonly problems: readonly string[]

  constructor(path: string, problems: readonly string[], cause?: unknown) {
    super(`Cannot use the site file ${path}:\n  ${problems.join('\n  ')}`, { cause })
    this.path = path
    this.problems = problems
  }
}
