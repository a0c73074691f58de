/** What this process is making, by a key of who makes it. */
const underWay = new Map<string, Promise<unknown>>()

/** Who asks for what another one is making waits for that, and then finds it made. */
export async function oneAtATime<Result>(key: string, make: () => Promise<Result>): Promise<Result> {
  for (;;) {
    const other = underWay.get(key)
    if (!other) break
    await other.catch(() => undefined) // it may have been stopped by who asked for it: then it is our turn
  }
  const making = make()
  underWay.set(key, making)
  try {
    return await making
  } finally {
    underWay.delete(key)
  }
}
