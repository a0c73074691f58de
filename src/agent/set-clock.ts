import { runProgram } from '../programs/run-program.ts'

/** Off by less than this is left alone: the answer's own travel is in it. */
const toleratedMs = 2000

/** Sets the system clock by the server's; gives a sentence when it had to. A machine without a battery starts in 1970. */
export async function setClock(serverNowMs: number): Promise<string | undefined> {
  const offMs = serverNowMs - Date.now()
  if (Math.abs(offMs) < toleratedMs) return undefined
  await runProgram('date', ['-u', '-s', `@${Math.round(serverNowMs / 1000)}`], { timeoutMs: 10_000 })
  const direction = offMs > 0 ? 'behind' : 'ahead'
  return `the clock was ${(Math.abs(offMs) / 1000).toFixed(0)} s ${direction} of the server's and was set`
}
