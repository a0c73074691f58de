import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'

/** True, and the test skipped, where root or a program is missing; an error where nothing may be skipped. */
export function needs(
  t: TestContext,
  { root = false, programs = [] }: { root?: boolean; programs?: string[] },
): boolean {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0)
  if (root && process.geteuid?.() !== 0) missing.unshift('root')
  if (missing.length === 0) return false
  const reason = `needs ${missing.join(', ')}`
  if (process.env.REQUIRE_INTEROP === '1') throw new Error(reason)
  t.skip(reason)
  return true
}
