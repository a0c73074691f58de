import { spawn } from 'node:child_process'

/** A peer that could not be started, was too slow, or failed. */
export class PeerFailed extends Error {
  override readonly name = 'PeerFailed'

  constructor(what: string, reason: string, stderr: string) {
    super(`The peer "${what}" ${reason}${stderr && `: ${stderr.trim().split('\n').slice(-3).join(' | ')}`}`)
  }
}

/**
 * Runs a shell pipeline as a peer is really used (`curl … | zstd -d | tar -x`): any part that fails fails the whole.
 * Values go in as `$1`, `$2`, never into the text. At the deadline the whole pipeline is killed.
 */
export async function runPipeline(pipeline: string, args: readonly string[], timeoutMs: number): Promise<string> {
  // A group of its own: the deadline ends every part of the pipeline.
  const child = spawn('bash', ['-euo', 'pipefail', '-c', pipeline, 'peer', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, timeoutMs)
  try {
    const code = await new Promise<number | NodeJS.Signals>((fulfil, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode, signal) => fulfil(exitCode ?? signal ?? 'SIGKILL'))
    })
    if (code === 0) return Buffer.concat(stdout).toString('utf8')
    const reason = isLate ? `did not end within ${timeoutMs / 1000} s` : `ended with ${code}`
    throw new PeerFailed(pipeline, reason, Buffer.concat(stderr).toString('utf8'))
  } finally {
    clearTimeout(deadline)
  }
}
