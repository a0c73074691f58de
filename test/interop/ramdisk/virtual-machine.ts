import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Ramdisk } from '../../../src/ramdisk/published-ramdisk.ts'

export const bootMac = '52:54:00:12:34:56'

export type BootOptions = {
  ramdisk: Ramdisk
  /** Of its files, those that only some machines load. */
  furtherInitrds?: readonly string[]
  memoryMebibytes: number
  kernelArguments?: string
  /** Further options of QEMU: network cards and disks. */
  devices: string[]
  /** For the joined initrd. */
  directory: string
  /** The console line to wait for, and how long. */
  until: RegExp
  deadlineMs: number
  /** What is done while the machine is up, when the line has come. */
  whileUp?: (match: RegExpExecArray) => Promise<void>
}

/** Boots the ramdisk's kernel with all its initrds joined to one, until a console line matches; gives the whole console. */
export async function bootRamdisk(options: BootOptions): Promise<{ match: RegExpExecArray; console: string }> {
  const { ramdisk } = options
  const initrd = join(options.directory, 'initrd')
  const names = [...ramdisk.initrds, ...(options.furtherInitrds ?? [])]
  const parts = names.map((name) => readFile(join(ramdisk.directory, name)))
  await writeFile(initrd, Buffer.concat(await Promise.all(parts)))
  const machine = spawn(
    'qemu-system-x86_64',
    // biome-ignore format: one option and its value a line
    [
      '-accel', 'tcg,thread=multi', '-cpu', 'max', '-machine', 'q35', '-m', String(options.memoryMebibytes),
      '-nodefaults', '-display', 'none', '-serial', 'stdio', '-no-reboot',
      '-kernel', join(ramdisk.directory, ramdisk.kernel), '-initrd', initrd,
      '-append', `console=ttyS0 panic=-1 BOOTIF=01-${bootMac.replaceAll(':', '-')} ${options.kernelArguments ?? ''}`,
      ...options.devices,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const deadline = setTimeout(() => machine.kill('SIGKILL'), options.deadlineMs)
  const lines: string[] = []
  machine.stderr.on('data', (text: Buffer) => lines.push(`qemu: ${text}`))
  try {
    for await (const line of createInterface({ input: machine.stdout })) {
      lines.push(line)
      const match = options.until.exec(line)
      if (!match) continue
      await options.whileUp?.(match)
      return { match, console: lines.join('\n') }
    }
  } finally {
    clearTimeout(deadline)
    machine.kill('SIGKILL')
  }
  const end = lines.slice(-40).join('\n')
  throw new Error(
    `The machine did not print ${options.until} within ${options.deadlineMs} ms; its console ends:\n${end}`,
  )
}
