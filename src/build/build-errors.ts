/** This machine cannot build at all; `missing` says what it lacks and what to do. */
export class BuildUnavailable extends Error {
  override readonly name = 'BuildUnavailable'
  readonly missing: readonly string[]

  constructor(missing: readonly string[]) {
    super(`Cannot build images here: ${missing.join('; ')}`)
    this.missing = missing
  }
}

/** A build that began and ended without a result. */
export class BuildFailed extends Error {
  override readonly name = 'BuildFailed'
  readonly step: string
  readonly logPath: string

  constructor(recipeName: string, step: string, reason: string, logPath: string, cause?: unknown) {
    super(`Building ${recipeName} failed at "${step}": ${reason}; the whole log is ${logPath}`, { cause })
    this.step = step
    this.logPath = logPath
  }
}
