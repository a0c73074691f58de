import { quoteShell } from './quote-shell.ts'
import type { Recipe } from './recipe.ts'
import { stepMarker } from './staging.ts'

/** The shell script that runs in the finished system; the first check that fails ends the build at its step. */
export function renderChecks({ checks = [] }: Recipe): string {
  const lines = checks.map((check, index) => {
    const [line = ''] = check.trim().split('\n', 1)
    const title = `check ${index + 1} of ${checks.length}: ${line}`
    return `echo ${quoteShell(stepMarker + title)}\nsh -eu -c ${quoteShell(check)} </dev/null\n`
  })
  return lines.join('')
}
