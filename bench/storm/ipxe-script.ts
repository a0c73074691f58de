import { GaveUp } from './gave-up.ts'

/** What iPXE would do with one of our scripts. */
export type ScriptAction =
  | { kind: 'wait'; seconds: number; url: string }
  | { kind: 'load'; urls: readonly string[]; arguments: ReadonlyMap<string, string> }

/** Throws GaveUp for a script that starts nothing. */
export function readIpxeScript(text: string): ScriptAction {
  if (!text.startsWith('#!ipxe\n')) throw new GaveUp(`not an iPXE script: ${text.slice(0, 80)}`)
  const lines = text.split('\n')
  const chained = /^chain --replace --autofree (\S+)/m.exec(text)?.[1]
  if (chained !== undefined)
    return { kind: 'wait', seconds: Number(/^sleep (\d+)/m.exec(text)?.[1] ?? 0), url: chained }
  const loads = lines.flatMap((line) => /^(?:kernel|initrd) --name \S+ (\S+)/.exec(line)?.[1] ?? [])
  const kernel = lines.find((line) => line.startsWith('kernel '))
  if (kernel === undefined) throw new GaveUp(`the script says: ${lines.slice(1, 3).join(' / ')}`)
  const pairs = kernel.split(' ').flatMap((word) => {
    const [name = '', value] = word.split(/=(.*)/s)
    return value === undefined ? [] : [[name, value] as const]
  })
  return { kind: 'load', urls: loads, arguments: new Map(pairs) }
}
