/** What `efibootmgr` prints, as far as the order needs it. Numbers are four hexadecimal digits. */
export type BootVariables = {
  current: string | undefined
  order: string[]
  entries: { number: string; label: string }[]
}

export function parseBootVariables(text: string): BootVariables {
  const entries = [...text.matchAll(/^Boot([0-9A-F]{4})\*? (.*)$/gim)]
  return {
    current: /^BootCurrent: ([0-9A-F]{4})$/im.exec(text)?.[1]?.toUpperCase(),
    order: /^BootOrder: ([0-9A-F,]+)$/im.exec(text)?.[1]?.toUpperCase().split(',') ?? [],
    // Newer versions print the device path behind a tab.
    entries: entries.map((match) => ({ number: match[1]!.toUpperCase(), label: match[2]!.split('\t')[0]!.trim() })),
  }
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
