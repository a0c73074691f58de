import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { dirname, join } from 'node:path'
import { runProgram } from '../programs/run-program.ts'

// Without AVX: emulated it is far slower than the code programs use where it is missing (SHA-256 in Node 15 → 50 MB/s).
export const emulated = ['-accel', 'tcg,thread=multi', '-cpu', 'max,avx=off,avx2=off'] as const
/** A processor of 2012: the kernel starts in 12 s on it and in 20 s on `max`, whose newer features are slow to emulate. */
export const emulatedArm64 = ['-accel', 'tcg,thread=multi', '-cpu', 'cortex-a57'] as const
export const accelerated = ['-accel', 'kvm', '-cpu', 'host'] as const

export type Accelerator = { arguments: readonly string[]; because: string }

/** Remembered: which host kernel and QEMU were tried, and what came of it. */
type Answer = { host: string; qemu: string; kvmWorks: boolean }

/** A kernel under a working KVM gets through its start in about a second; a hung one never does. */
const trialTimeoutMs = 4000

/**
 * KVM where a kernel really starts with it, emulation otherwise: on some hosts /dev/kvm is there and guests hang.
 * `kernelPath` is any bootable Linux; the answer is kept in `cacheDirectory` for this host kernel and QEMU.
 */
export async function chooseAccelerator(kernelPath: string, cacheDirectory: string): Promise<Accelerator> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch (error) {
    return { arguments: emulated, because: `/dev/kvm cannot be used (${(error as NodeJS.ErrnoException).code})` }
  }
  const [qemu = ''] = (await runProgram('qemu-system-x86_64', ['--version'])).split('\n')
  const path = join(cacheDirectory, 'kvm-trial.json')
  const remembered = await readAnswer(path)
  const known = remembered?.host === release() && remembered.qemu === qemu ? remembered : undefined
  const answer = known ?? { host: release(), qemu, kvmWorks: await startsUnderKvm(kernelPath) }
  if (!known) await writeAnswer(path, answer)
  if (answer.kvmWorks) return { arguments: accelerated, because: 'a kernel started under KVM' }
  return { arguments: emulated, because: `a kernel did not start under KVM within ${trialTimeoutMs / 1000} s` }
}

/** Without an initrd the kernel ends in a panic about its root filesystem: by then it has started. */
function startsUnderKvm(kernelPath: string): Promise<boolean> {
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...[...accelerated, '-nodefaults', '-display', 'none', '-m', '256', '-no-reboot', '-serial', 'stdio'],
      ...['-kernel', kernelPath, '-append', 'console=ttyS0 panic=-1'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  return new Promise((resolve) => {
    let said = ''
    const timer = setTimeout(() => qemu.kill('SIGKILL'), trialTimeoutMs)
    qemu.stdout.setEncoding('utf8').on('data', (piece: string) => {
      said += piece
      if (/Unable to mount root fs/.test(said)) qemu.kill('SIGKILL')
    })
    qemu.on('error', () => resolve(false))
    qemu.on('close', () => {
      clearTimeout(timer)
      resolve(/Unable to mount root fs/.test(said))
    })
  })
}

async function readAnswer(path: string): Promise<Answer | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Answer
  } catch {
    return undefined // not asked yet, or cut short: ask again
  }
}

async function writeAnswer(path: string, answer: Answer): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, JSON.stringify(answer))
  await rename(`${path}.new`, path)
}
