import type { Hook } from './setup.ts'
import { describeScope } from './setup-scope.ts'

/** `interrupted`: the machine restarted while it ran, and it is not run again. */
export type HookEnd =
  | { kind: 'exit'; code: number }
  | { kind: 'killed'; signal: string }
  | { kind: 'timeout' }
  | { kind: 'interrupted' }

/** How much of a hook's output is kept: lines, and characters of each. */
export const outputLimitLines = 200
export const outputLimitLength = 300
/** Of its end, in the words of its failure. */
const lastLinesTold = 10

/** Undefined for a hook that succeeded. */
export function describeHookFailure(
  { point, scope, timeoutSeconds }: Hook,
  end: HookEnd,
  output: readonly string[],
): string | undefined {
  if (end.kind === 'exit' && end.code === 0) return undefined
  const words = output.slice(-lastLinesTold).join(' | ')
  return `the ${point} hook of ${describeScope(scope)} ${describeEnd(end, timeoutSeconds)}${words && `: ${words}`}`
}

function describeEnd(end: HookEnd, timeoutSeconds: number): string {
  switch (end.kind) {
    case 'exit':
      return `ended with code ${end.code}`
    case 'killed':
      return `was killed by ${end.signal}`
    case 'timeout':
      return `did not end within ${timeoutSeconds} s and was killed`
    case 'interrupted':
      return 'was cut off by a restart of the machine, and is not run again'
  }
}
