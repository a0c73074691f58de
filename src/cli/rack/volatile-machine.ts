import { join } from 'node:path'
import type { RackMachine } from '../../rack/machine.ts'
import { NbdServer } from '../../rack/nbd-server.ts'
import type { MachineRequest } from '../../rack/rack.ts'
import { type PowerLoss, VolatileDisk } from '../../rack/volatile-disk.ts'
import type { RackSite } from './site.ts'

const diskBytes = 4 * 1024 ** 3

/** A machine in the rack whose disk loses its write cache when the plug is pulled. */
export class VolatileMachine implements AsyncDisposable {
  readonly machine: RackMachine
  readonly #disk: VolatileDisk
  readonly #server: NbdServer

  private constructor(machine: RackMachine, disk: VolatileDisk, server: NbdServer) {
    this.machine = machine
    this.#disk = disk
    this.#server = server
  }

  static async add(site: RackSite, request: Omit<MachineRequest, 'disks'>): Promise<VolatileMachine> {
    const path = join(site.rack.directory, `${request.name}.raw`)
    const socketPath = join(site.rack.directory, `${request.name}.nbd`)
    const disk = await VolatileDisk.make(path, diskBytes)
    const server = await NbdServer.listen(socketPath, disk)
    const disks = [{ path: socketPath, format: 'nbd' as const, serial: 'VOLATILE' }]
    return new VolatileMachine(await site.addMachine({ ...request, disks }), disk, server)
  }

  /** What was not flushed at this moment is there, torn or gone, by chance. */
  async pullPlug(random: () => number): Promise<PowerLoss> {
    await this.machine.loseEverything()
    await this.#server.idle()
    return this.#disk.losePower(random)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine.powerOff()
    await this.#server[Symbol.asyncDispose]()
    await this.#disk[Symbol.asyncDispose]()
  }
}
