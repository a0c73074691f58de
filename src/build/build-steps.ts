import type { Release } from './apt-sources.ts'
import { packageMarker, releaseMarker, stepMarker } from './staging.ts'

/** One step begins; `detail` where there is more to say. */
export type BuildProgress = { step: string; detail?: string; secondsSinceStart: number }

/** What mmdebstrap prints when it goes on, and how we call it. */
const mmdebstrapSteps: readonly (readonly [RegExp, string])[] = [
  [/^I: running apt-get update/, 'read the package lists'],
  [/^I: downloading packages/, 'download packages'],
  [/^I: extracting archives/, 'unpack the base system'],
  [/^I: installing essential packages/, 'install the base system'],
  [/^I: installing remaining packages/, 'install packages'],
  [/^I: cleaning package lists/, 'remove the package lists'],
  [/^I: creating tarball/, 'write the archive'],
]

const quarters = 4

/** Reads a build's output: which step it is in, which packages it installed, which releases it used. */
export class StepFollower {
  readonly #startedAt = performance.now()
  readonly #report: (progress: BuildProgress) => void
  readonly #packages: { name: string; version: string }[] = []
  readonly #usedReleases: { digest: string; path: string }[] = []
  #packagesTotal = 0
  #packagesSetUp = 0
  step = 'begin'

  constructor(report: (progress: BuildProgress) => void) {
    this.#report = report
  }

  begin(step: string, detail?: string): void {
    this.step = step
    const secondsSinceStart = (performance.now() - this.#startedAt) / 1000
    this.#report({ step, secondsSinceStart, ...(detail === undefined ? {} : { detail }) })
  }

  /** Answers whether a new step began with this line. */
  follow(line: string): boolean {
    if (line.startsWith(packageMarker)) {
      const [name = '', version = ''] = line.slice(packageMarker.length).split(' ')
      this.#packages.push({ name, version })
      return false
    }
    if (line.startsWith(releaseMarker)) {
      const [digest = '', path = ''] = line.slice(releaseMarker.length).split(' ')
      this.#usedReleases.push({ digest, path })
      return false
    }
    this.#countPackages(line)
    const step = line.startsWith(stepMarker)
      ? line.slice(stepMarker.length)
      : mmdebstrapSteps.find(([pattern]) => pattern.test(line))?.[1]
    if (step === undefined) return false
    this.begin(step)
    return true
  }

  /** apt says how many packages it installs, dpkg when each of them is set up: told at every quarter of the way. */
  #countPackages(line: string): void {
    const total = /^\d+ upgraded, (\d+) newly installed/.exec(line)?.[1]
    if (total !== undefined) {
      this.#packagesTotal = Number(total)
      this.#packagesSetUp = 0
    }
    if (!line.startsWith('Setting up ') || this.#packagesTotal < quarters) return
    const before = Math.floor((quarters * this.#packagesSetUp) / this.#packagesTotal)
    this.#packagesSetUp++
    const now = Math.floor((quarters * this.#packagesSetUp) / this.#packagesTotal)
    if (now > before && now < quarters) {
      this.begin(this.step, `${this.#packagesSetUp} of ${this.#packagesTotal} packages are set up`)
    }
  }

  packages(): { name: string; version: string }[] {
    return this.#packages.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The releases as they were looked up, or with the digests of the files the build itself fetched where they differ. */
  useReleases(releases: readonly Release[]): Release[] {
    return releases.map((release) => {
      // apt writes the place of an index into its file name, with _ for /.
      const ending = `_dists_${release.suite.replaceAll('/', '_')}_InRelease`
      const used = this.#usedReleases.filter(({ path }) => path.endsWith(ending))
      if (used.length === 0 || used.some(({ digest }) => digest === release.inReleaseSha256)) return release
      return { ...release, inReleaseSha256: used[0]!.digest }
    })
  }
}
