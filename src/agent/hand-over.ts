import { writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { runProgram } from '../programs/run-program.ts'
import type { Kernel } from './boot-loader/choose-kernel.ts'
import { rootArguments, withFirmwareFallback } from './boot-loader/kernel-arguments.ts'
import type { RootFilesystem } from './disk/filesystems.ts'
import { Mounts } from './disk/mounts.ts'
import { InsideRoot } from './inside-root.ts'

const programTimeoutMs = 60_000

/** What is started without the firmware: the kernel of the deployed root filesystem. */
export type KexecTarget = {
  root: RootFilesystem
  kernel: Kernel
  kernelArguments: readonly string[]
  /** Where the root filesystem may be mounted for a moment. */
  directory: string
}

/**
 * Loads the deployed kernel from the disk as it now is. The file-based system call lets the kernel check the signature
 * under Secure Boot. Throws when the kernel, or this machine's lock-down, does not allow it.
 */
export async function loadKexec(target: KexecTarget): Promise<void> {
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
  const own = [...rootArguments(filesystem, initrd !== undefined), ...target.kernelArguments]
  const words = withFirmwareFallback(own).join(' ')
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

/** Everything is unmounted: a program that fails or hangs is overtaken by the kernel's own restart. */
async function leave(program: string, args: string[]): Promise<never> {
  await runProgram(program, args, { timeoutMs: programTimeoutMs }).catch(() => {})
  await wait(10_000)
  writeFileSync('/proc/sysrq-trigger', 'b')
  return new Promise<never>(() => {})
}
