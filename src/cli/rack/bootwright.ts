import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { RackSite } from './site.ts'

const launcher = join(import.meta.dirname, '../../../bin/bootwright')

export type CommandResult = { status: number | null; output: string }

/** The real command line against the rack's service, as an operator beside it types it. It is ended after `timeoutMs`. */
export function bootwright(site: RackSite, words: readonly string[], timeoutMs = 8 * 60_000): Promise<CommandResult> {
  const { service } = site
  const child = spawn(launcher, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, BOOTWRIGHT_DATA: service.directory },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, output }))
  })
}
