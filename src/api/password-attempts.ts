const windowMs = 10 * 60_000
/** Of one machine, or from one address. */
const mostOfOne = 5
/** Who can invent machines and addresses is stopped here. */
const mostInAll = 100

/** How often a password was wrong lately. */
export class PasswordAttempts {
  readonly #now: () => number
  #wrong: { who: string; at: number }[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  /** In how many seconds the next may be tried; 0 for now. `who`: everything the caller is known by. */
  secondsToWait(who: readonly string[]): number {
    const since = this.#now() - windowMs
    this.#wrong = this.#wrong.filter(({ at }) => at > since)
    const full = [
      ...who
        .map((one) => this.#wrong.filter((wrong) => wrong.who === one).slice(-mostOfOne))
        .filter((of) => of.length === mostOfOne),
      ...(this.#wrong.length >= mostInAll ? [this.#wrong.slice(-mostInAll)] : []),
    ]
    return Math.ceil(Math.max(0, ...full.map(([oldest]) => oldest!.at - since)) / 1000)
  }

  wrong(who: readonly string[]): void {
    const at = this.#now()
    for (const one of who) this.#wrong.push({ who: one, at })
  }

  right(who: readonly string[]): void {
    this.#wrong = this.#wrong.filter((wrong) => !who.includes(wrong.who))
  }
}
