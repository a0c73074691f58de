import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Duplex } from 'node:stream'
import { Console } from './console.ts'
import type { DiskSpec, MachineSpec } from './machine-spec.ts'
import { type MachineWiring, qemuArguments, qemuProgram } from './qemu-arguments.ts'
import { Qmp } from './qmp.ts'

/** QEMU ended although nobody switched the machine off. */
export class MachineStopped extends Error {
  override readonly name = 'MachineStopped'
}

type SpecWiring = Omit<MachineWiring, 'qmpFd' | 'capturePrefix'>
type Running = { qemu: ChildProcess; qmp: Qmp; ended: Promise<void> }

const powerOffTimeoutMs = 10_000

/** A machine in the rack: a power button, a reset button and a console. What is on its disks stays. */
export class RackMachine implements AsyncDisposable {
  #spec: MachineSpec
  readonly console: Console
  #wiring: SpecWiring
  /** Logs and captures are this path with an ending. */
  #filePrefix: string
  #powerCycles = 0
  #running: Running | undefined
  readonly #cablesOut = new Set<number>()

  constructor(spec: MachineSpec, wiring: SpecWiring, filePrefix: string) {
    this.#spec = spec
    this.console = new Console(spec.name, `${filePrefix}.console.log`)
    this.#wiring = wiring
    this.#filePrefix = filePrefix
  }

  get spec(): MachineSpec {
    return this.#spec
  }

  /** Ports of the switch that its cards are plugged into. */
  get taps(): readonly string[] {
    return this.#wiring.taps
  }

  get isOn(): boolean {
    return this.#running !== undefined
  }

  /** Rejects with MachineStopped when QEMU does not start. */
  async powerOn(): Promise<void> {
    if (this.#running) return
    const qmpFd = 3
    // QEMU begins the file anew each time
    const capturePrefix = `${this.#filePrefix}.${++this.#powerCycles}`
    const qemu = spawn(qemuProgram(this.spec), qemuArguments(this.spec, { ...this.#wiring, capturePrefix, qmpFd }), {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    })
    let complaint = ''
    qemu.stderr.setEncoding('utf8').on('data', (piece: string) => {
      complaint = (complaint + piece).slice(-2000)
    })
    qemu.stderr.pipe(createWriteStream(`${this.#filePrefix}.qemu.log`, { flags: 'a' }))
    const ended = this.#watchEnd(qemu)
    this.console.attach(qemu.stdout, qemu.stdin)
    try {
      const qmp = await Qmp.open(qemu.stdio[qmpFd] as Duplex)
      for (const card of this.#cablesOut) await qmp.execute('set_link', { name: `net${card}`, up: false })
      this.#running = { qemu, qmp, ended }
    } catch (cause) {
      qemu.kill('SIGKILL')
      await ended
      throw new MachineStopped(`QEMU did not start ${this.spec.name}: ${complaint.trim() || 'it said nothing'}`, {
        cause,
      })
    }
  }

  /** Pulls the plug: nothing is flushed inside the guest; the disks keep what reached them. */
  async powerOff(): Promise<void> {
    const running = this.#running
    if (!running) return
    // QEMU writes its own caches out on quit: to the guest it is a plug pulled, to the disk file it is a clean end
    running.qmp.execute('quit').catch(() => {})
    const timer = setTimeout(() => running.qemu.kill('SIGKILL'), powerOffTimeoutMs)
    await running.ended
    clearTimeout(timer)
  }

  /** QEMU is ended as it stands, so that it writes nothing out: for disks that lose their cache (volatile-disk.ts). */
  async loseEverything(): Promise<void> {
    this.#running?.qemu.kill('SIGKILL')
    await this.#running?.ended
  }

  /** Presses the reset button. */
  async reset(): Promise<void> {
    if (!this.#running) throw new MachineStopped(`Cannot reset ${this.spec.name}: it is off`)
    this.console.mark('reset')
    await this.#running.qmp.execute('system_reset')
  }

  /** The ports of the switch that its cards are plugged into, the first card's first. */
  get ports(): readonly string[] {
    return this.#wiring.taps
  }

  /** Pulls the cable out of a card, 0 for the first, of a machine that is off. */
  pullCable(card: number): void {
    this.#cablesOut.add(card)
  }

  /** Screws others in, into a machine that is off. */
  changeDisks(disks: readonly DiskSpec[]): void {
    this.#spec = { ...this.#spec, disks }
  }

  async powerCycle(): Promise<void> {
    await this.powerOff()
    await this.powerOn()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff()
    await this.console.close()
  }

  async #watchEnd(qemu: ChildProcess): Promise<void> {
    const [code, signal] = await once(qemu, 'exit').catch((error: Error) => [error.message, null])
    this.#running = undefined
    this.console.detach(`power off (QEMU ended with ${signal ?? code})`)
  }
}
