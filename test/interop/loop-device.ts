import { execFileSync } from 'node:child_process'
import type { TestContext } from 'node:test'

/** A file as a block device, past the page cache; detached when the test ends. Needs root. */
export function attachLoopDevice(t: Pick<TestContext, 'after'>, file: string, options: readonly string[] = []): string {
  const args = ['--find', '--show', '--direct-io=on', ...options, file]
  const device = execFileSync('losetup', args, { encoding: 'utf8' }).trim()
  t.after(() => execFileSync('losetup', ['--detach', device]))
  return device
}
