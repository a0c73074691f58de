import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'

/** Puts a shell script before the program of that name, for the length of a test; gives a directory where it may keep things. */
export function standInProgram(t: TestContext, name: string, script: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'stand-in-'))
  const path = process.env.PATH ?? ''
  writeFileSync(join(directory, name), `#!/bin/sh\ncd "${directory}"\n${script}`, { mode: 0o755 })
  process.env.PATH = `${directory}${delimiter}${path}`
  t.after(() => {
    process.env.PATH = path
    rmSync(directory, { recursive: true })
  })
  return directory
}
