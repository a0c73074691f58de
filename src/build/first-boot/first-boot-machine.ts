import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { chooseAccelerator } from '../../rack/accelerator.ts'
import { TerminalText } from '../../rack/terminal-text.ts'
import { firstBootMarker, firstBootUnit } from './first-boot-script.ts'

export type FirstBootMachine = {
  memoryMiB: number
  processors: number
  timeoutSeconds: number
  kernelPath: string
  initrdPath: string
  diskPath: string
  consoleLogPath: string
  /** Where it is remembered whether KVM works here. */
  cacheDirectory: string
}

/** The machine did not do what it was booted for; what its console said last is in the message where that tells why. */
export class FirstBootFailed extends Error {
  override readonly name = 'FirstBootFailed'
}

/** As many as a failed build tells of its log. */
const consoleLinesTold = 8

/** What a boot by itself would do to the image, and what would get in the way, is left out of this one. */
const kernelArguments = [
  ...['root=/dev/vda', 'rw', 'fstab=no', 'console=ttyS0', 'panic=-1', 'cloud-init=disabled'],
  `systemd.wants=${firstBootUnit}`,
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'unattended-upgrades.service'].map(
    (unit) => `systemd.mask=${unit}`,
  ),
]

/** Pure. Its network is QEMU's own: it reaches what this machine reaches, and nobody reaches it. */
export function firstBootArguments(machine: FirstBootMachine, accelerator: readonly string[]): string[] {
  return [
    ...['-name', 'first-boot', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-m', String(machine.memoryMiB), '-smp', String(machine.processors), '-machine', 'q35', ...accelerator],
    ...['-kernel', machine.kernelPath, '-initrd', machine.initrdPath, '-append', kernelArguments.join(' ')],
    ...['-drive', `if=none,id=root,format=raw,cache=unsafe,file=${machine.diskPath.replaceAll(',', ',,')}`],
    ...['-device', 'virtio-blk-pci,drive=root', '-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net'],
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...[
      '-chardev',
      `file,id=console,path=${machine.consoleLogPath.replaceAll(',', ',,')}`,
      '-serial',
      'chardev:console',
    ],
    ...['-chardev', 'stdio,id=output,signal=off', '-serial', 'chardev:output'],
  ]
}

/** Boots it, and returns when it has done its work and is off. `say` gets each line of it. Throws FirstBootFailed. */
export async function runFirstBoot(machine: FirstBootMachine, say: (line: string) => void): Promise<void> {
  const { arguments: accelerator } = await chooseAccelerator(machine.kernelPath, machine.cacheDirectory)
  // It ends with us, however we end.
  const command = ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...firstBootArguments(machine, accelerator)]
  const qemu = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'inherit'] })
  let status: string | undefined
  createInterface({ input: qemu.stdout }).on('line', (line) => {
    if (line.startsWith(firstBootMarker)) status = line.slice(firstBootMarker.length)
    else say(line)
  })
  const fault = await endOf(qemu, machine)
  if (fault === undefined && status === '0') return
  // It said itself what was wrong.
  if (fault === undefined && status !== undefined) throw new FirstBootFailed(`it ended with ${status}`)
  const reason = fault ?? 'the machine went off before what runs at its first boot had ended'
  const { consoleLogPath } = machine
  throw new FirstBootFailed(`${reason}; its console (${consoleLogPath}) ends:\n${await endOfConsole(consoleLogPath)}`)
}

/** Undefined when it went off by itself in time. */
async function endOf(qemu: ChildProcess, { timeoutSeconds }: FirstBootMachine): Promise<string | undefined> {
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    qemu.kill('SIGKILL')
  }, timeoutSeconds * 1000)
  try {
    return await new Promise((fulfil) => {
      qemu.on('error', (error) => fulfil(`the machine could not be started: ${error.message}`))
      qemu.on('close', (code) => {
        if (isLate) fulfil(`the machine was not off after ${timeoutSeconds / 60} minutes (firstBoot.timeoutMinutes)`)
        else fulfil(code === 0 ? undefined : `QEMU ended with ${code}`)
      })
    })
  } finally {
    clearTimeout(deadline)
  }
}

async function endOfConsole(path: string): Promise<string> {
  const words = new TerminalText().push(await readFile(path, 'utf8').catch(() => ''))
  return words.trimEnd().split('\n').slice(-consoleLinesTold).join('\n')
}
