/** What `efibootmgr` prints, as far as the order needs it. Numbers are four hexadecimal digits. */
export type BootVariables = {
  current: string | undefined
  order: string[]
  entries: BootEntry[]
}

/** `path`: what it starts, as efibootmgr writes device paths; newer versions print it. */
export type BootEntry = { number: string; label: string; path?: string }

export function parseBootVariables(text: string): BootVariables {
  const entries = [...text.matchAll(/^Boot([0-9A-F]{4})\*? (.*)$/gim)]
  return {
    current: /^BootCurrent: ([0-9A-F]{4})$/im.exec(text)?.[1]?.toUpperCase(),
    order: /^BootOrder: ([0-9A-F,]+)$/im.exec(text)?.[1]?.toUpperCase().split(',') ?? [],
    entries: entries.map(([, number, words]) => {
      const [label, path] = words!.split('\t')
      return { number: number!.toUpperCase(), label: label!.trim(), ...(path !== undefined && { path }) }
    }),
  }
}

const partitionPath = /HD\(\d+,GPT,([0-9A-F-]{36})/i

/** The partition that an entry starts from, by the GUID of its entry in the GPT, upper case. */
export function partitionOf({ path = '' }: BootEntry): string | undefined {
  return partitionPath.exec(path)?.[1]?.toUpperCase()
}

/**
 * The order after a deployment: what this boot came from (the network) stays first, because the server owns what happens
 * at the next boot; the deployed disk follows, so that the machine starts when the server is away.
 */
export function orderAfterDeployment(variables: BootVariables, diskEntry: string): string[] {
  const { current, order } = variables
  const network = current !== undefined && current !== diskEntry ? [current] : []
  const rest = order.filter((number) => number !== diskEntry && !network.includes(number))
  return network.length > 0 ? [...network, diskEntry, ...rest] : [...rest.slice(0, 1), diskEntry, ...rest.slice(1)]
}

/**
 * A sentence for the timeline, and one for the operator where the firmware does not do as it was asked. `bootOrder` is what
 * was set, where that was kept so far.
 */
export type BootEntryOutcome = { detail: string; notice?: string; bootOrder?: string[] }

/**
 * What became of an order that was set: firmware may take entries out, or put its own to the front. `kept` is what was read
 * again.
 */
export function describeBootOrder(kept: BootVariables, wanted: readonly string[]): BootEntryOutcome {
  const detail = `boot order ${wanted.join(' ')}`
  if (kept.order.join() === wanted.join()) return { detail, bootOrder: [...wanted] }
  const has = kept.order.length === 0 ? 'none' : kept.order.join(' ')
  const notice =
    `the firmware did not keep the boot order ${wanted.join(' ')}: it has ${has}; ` +
    'where it does not start from the network first, set that in its set-up'
  return { detail: `${detail}, not kept`, notice }
}

/** For the report, which the server compares with what the deployed system finds. */
export function bootOrderOf({ bootOrder }: BootEntryOutcome): { bootOrder?: string[] } {
  return bootOrder === undefined ? {} : { bootOrder }
}
