import { createInterface } from 'node:readline/promises'

/**
 * What cannot be undone is said twice: by --yes, or by typing the machine's name on a terminal. Throws where it was not.
 */
export async function confirmMachines(
  machines: readonly string[],
  { yes, what }: { yes: boolean; what: string },
): Promise<void> {
  if (yes) return
  const named = machines.join(', ')
  if (!process.stdin.isTTY || machines.length > 1) {
    throw new Error(`Say --yes where you mean it: ${what} of ${named} cannot be undone`)
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const typed = await terminal.question(`${what} of ${named} cannot be undone. Type the machine's name to go on: `)
    if (typed.trim() !== machines[0]) throw new Error(`"${typed.trim()}" is not ${named}: nothing is ordered`)
  } finally {
    terminal.close()
  }
}
