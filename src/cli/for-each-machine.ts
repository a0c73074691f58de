/**
 * Does it to every machine at once and prints what it says of each. One that is refused is no reason to stop at the others; the exit
 * code is 1 then.
 */
export async function forEachMachine(
  machines: readonly string[],
  work: (machine: string) => Promise<string>,
): Promise<void> {
  await Promise.all(
    machines.map(async (machine) => {
      try {
        process.stdout.write(`${machine}: ${await work(machine)}\n`)
      } catch (error) {
        process.stderr.write(`${machine}: ${(error as Error).message}\n`)
        process.exitCode = 1
      }
    }),
  )
}
