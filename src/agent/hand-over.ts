import { writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { HandOver } from '../core/hand-over.ts'
import { runProgram } from '../programs/run-program.ts'
import type { Kernel } from './boot-loader/choose-kernel.ts'
import { rootArguments, withFirmwareFallback } from './boot-loader/kernel-arguments.ts'
import type { RootFilesystem } from './disk/filesystems.ts'
import { Mounts } from './disk/mounts.ts'
import { InsideRoot } from './inside-root.ts'
import { armWatchdog, WatchdogUnusable } from './watchdog/arm-watchdog.ts'
import type { Fallback } from './watchdog/plan-fallback.ts'

const programTimeoutMs = 60_000

/** What is started without the firmware: the kernel of the deployed root filesystem. */
export type KexecTarget = {
  root: RootFilesystem
  kernel: Kernel
  kernelArguments: readonly string[]
  fallback?: Fallback
  /** Where the root filesystem may be mounted for a moment. */
  directory: string
}

/** How the machine is left, for the timeline; `notice` where the operator should know that it is not as it was chosen. */
export type HandOverPlan = { by: HandOver; detail: string; notice?: string }

export const restartByFirmware: HandOverPlan = { by: 'reboot', detail: 'restarting by the firmware' }

/**
 * Loads the deployed kernel and starts the watchdog that looks after it. A kernel that cannot be loaded is no reason to stop:
 * the disk boots by the firmware as well.
 */
export async function prepareKexec(target: KexecTarget | undefined): Promise<HandOverPlan> {
  if (target === undefined) return withoutKexec("a foreign disk's kernel is not known")
  try {
    await loadKexec(target)
  } catch (error) {
    return withoutKexec((error as Error).message)
  }
  const detail = `starting ${target.kernel.kernel} by kexec`
  try {
    const { driver, seconds } = arm(target.fallback)
    return { by: 'kexec', detail: `${detail}; the watchdog ${driver} asks the firmware again in ${seconds} s` }
  } catch (error) {
    const notice = `no watchdog looks after the start by kexec: ${(error as Error).message}; a kernel that panics restarts the machine, one that hangs does not`
    return { by: 'kexec', detail, notice }
  }
}

function arm(fallback: Fallback | undefined): { driver: string; seconds: number } {
  if (fallback?.kind !== 'watchdog') throw new WatchdogUnusable(fallback?.reason ?? 'none was looked for')
  const { watchdog } = fallback
  return { driver: watchdog.driver, seconds: armWatchdog(watchdog) }
}

function withoutKexec(why: string): HandOverPlan {
  return { ...restartByFirmware, notice: `the machine restarts by its firmware and not by kexec: ${why}` }
}

/**
 * Loads the deployed kernel from the disk as it now is. The file-based system call lets the kernel check the signature
 * under Secure Boot. Throws when the kernel, or this machine's lock-down, does not allow it.
 */
async function loadKexec(target: KexecTarget): Promise<void> {
  await using mounts = new Mounts()
  const { root: filesystem } = target
  const subvolume = filesystem.subvolume === undefined ? '' : `,subvol=${filesystem.subvolume}`
  await mounts.mount(filesystem.device, target.directory, ['-o', `ro${subvolume}`])
  const root = new InsideRoot(target.directory)
  const file = (name: string) => {
    const real = root.realFile(`/boot/${name}`)
    if (real === undefined) throw new Error(`Cannot start /boot/${name}: it is not on the disk`)
    return real
  }
  const { kernel, initrd } = target.kernel
  const driver = target.fallback?.kind === 'watchdog' ? target.fallback.watchdog.driver : undefined
  const own = [...rootArguments(filesystem, initrd !== undefined), ...target.kernelArguments]
  const words = withFirmwareFallback(own, driver).join(' ')
  const args = ['--load', '--kexec-file-syscall', file(kernel), `--command-line=${words}`]
  if (initrd !== undefined) args.push(`--initrd=${file(initrd)}`)
  await runProgram('kexec', args, { timeoutMs: programTimeoutMs })
  await mounts.unmountAll()
}

/** Starts the loaded kernel; does not return. */
export async function executeKexec(): Promise<never> {
  return leave('kexec', ['--exec'])
}

/** Restarts the machine by its firmware; does not return. */
export async function rebootMachine(): Promise<never> {
  return leave('reboot', ['-f'])
}

/** Switches the machine off; does not return. */
export async function powerOffMachine(): Promise<never> {
  return leave('poweroff', ['-f'], 'o')
}

/** Everything is unmounted: a program that fails or hangs is overtaken by the kernel's own restart, or switching off. */
async function leave(program: string, args: string[], sysrq = 'b'): Promise<never> {
  await runProgram(program, args, { timeoutMs: programTimeoutMs }).catch(() => {})
  await wait(10_000)
  writeFileSync('/proc/sysrq-trigger', sysrq)
  return new Promise<never>(() => {})
}
