import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseMac } from '../bytes/mac.ts'
import { runProgram } from '../programs/run-program.ts'
import { emulatedArm64 } from './accelerator.ts'
import { uefiFiles } from './firmware-files.ts'
import { RackMachine } from './machine.ts'
import type { MachineSpec } from './machine-spec.ts'
import { addPort, openSwitch, rackNetwork } from './switch.ts'

export type RackOptions = {
  /** Disks, logs and captures go here; it is not removed. */
  directory: string
  /** QEMU's arguments that say how the processor is emulated (accelerator.ts). */
  accelerator: readonly string[]
}

/** What a case must say of a machine; the rest has defaults. A machine without disks gets one empty disk of 4 GiB. */
export type MachineRequest = Pick<MachineSpec, 'name' | 'firmware'> & Partial<MachineSpec>

const defaultDiskBytes = 4 * 1024 ** 3

/** A switch with machines. Runs inside the rack's namespaces (namespace.ts). */
export class Rack implements AsyncDisposable {
  readonly directory: string
  readonly machines: RackMachine[] = []
  #accelerator: readonly string[]

  private constructor({ directory, accelerator }: RackOptions) {
    this.directory = directory
    this.#accelerator = accelerator
  }

  static async open(options: RackOptions): Promise<Rack> {
    await mkdir(options.directory, { recursive: true })
    await openSwitch()
    return new Rack(options)
  }

  /** Puts a machine into the rack, switched off. */
  async addMachine(request: MachineRequest): Promise<RackMachine> {
    const index = this.machines.length
    const spec = { ...defaultSpec(index), ...request, disks: request.disks ?? [await this.#emptyDisk(request.name)] }
    const filePrefix = join(this.directory, spec.name)
    const variablesPath = `${filePrefix}.vars.fd`
    if (spec.firmware === 'uefi') await copyFile(uefiFiles(spec).variables.path, variablesPath)
    const taps = [spec.mac, ...spec.furtherMacs].map((_, card) => `tap${index}${card === 0 ? '' : `-${card}`}`)
    for (const tap of taps) await addPort(tap, spec.bridge)
    const accelerator = spec.architecture === 'arm64' ? emulatedArm64 : this.#accelerator
    const wiring = { accelerator, taps, variablesPath }
    const machine = new RackMachine(spec, wiring, filePrefix)
    this.machines.push(machine)
    return machine
  }

  async #emptyDisk(name: string) {
    const path = join(this.directory, `${name}.qcow2`)
    await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(defaultDiskBytes)])
    return { path, format: 'qcow2' as const, serial: `${name.toUpperCase()}-ROOT`.slice(0, 20) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const machine of this.machines) await machine[Symbol.asyncDispose]()
  }
}

function defaultSpec(index: number): Omit<MachineSpec, 'name' | 'firmware' | 'disks'> {
  const suffix = (index + 1).toString(16).padStart(2, '0')
  return {
    networkBoot: 'firmware',
    mac: parseMac(`52:54:00:77:00:${suffix}`),
    furtherMacs: [],
    uuid: `7ac40000-0000-4000-8000-0000000000${suffix}`,
    nic: 'virtio-net-pci',
    bridge: rackNetwork.bridge,
    memoryMiB: 768,
    processors: 2,
  }
}
