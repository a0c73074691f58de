import type { Deployment } from '../core/deployment.ts'
import { describeNeighbour } from '../core/describe-neighbour.ts'
import { describeDisk } from '../core/disk-rule.ts'
import { drawDisk } from '../core/draw-disk.ts'
import type { Errand } from '../core/errand.ts'
import type { Bmc, Disk, Inventory, NetworkInterface } from '../core/inventory.ts'
import { formatLabels } from '../core/labels.ts'
import type { Machine } from '../core/machine.ts'
import { describeConflict } from '../core/machine-identity.ts'
import type { MachineState } from '../core/machine-state.ts'
import { oneLine } from '../core/one-line.ts'
import { printTable } from './output.ts'
import { describeHandOver } from './tell-deployment.ts'
import { wipedLines } from './wiped-lines.ts'

/** What the service knows of one machine. */
export type MachinePage = {
  machine: Machine & { state: MachineState }
  inventory?: Inventory
  deployments: Deployment[]
  errands: Errand[]
}

const isWritten: ReadonlySet<string> = new Set(['written', 'handed-over', 'proved', 'unproved'])
/** A disk's description has several claims in it. */
const longestCell = 500

export function printMachinePage({ machine, inventory, deployments, errands }: MachinePage): void {
  printTable([], [...machineRows(machine), ...(inventory ? inventoryRows(inventory) : [])].map(plainRow))
  const keptVersions = deployments.find(({ state }) => isWritten.has(state))?.keptVersions ?? []
  if (keptVersions.length > 0) {
    const shown = keptVersions.map((version) => version.slice(0, 12)).join(', ')
    process.stdout.write(`\nversions on its disk, for 'bootwright rollback': ${shown}\n`)
  }
  printLastWipe(errands)
  if (deployments.length === 0) return
  process.stdout.write('\n')
  printTable(
    ['DEPLOYMENT', 'IMAGE', 'STATE', 'STARTED', 'HAND-OVER', 'FAILURE'],
    deployments.map((deployment) => [
      deployment.id,
      `${deployment.image}@${deployment.version.slice(0, 12)}`,
      deployment.state,
      new Date(deployment.createdAt).toISOString(),
      describeHandOver(deployment) ?? '-',
      deployment.failure ?? '',
    ]),
  )
}

/** Errands come the newest first. */
function printLastWipe(errands: readonly Errand[]): void {
  const wipe = errands.find(({ work, result }) => work.kind === 'wipe' && result !== undefined)
  if (wipe === undefined) return
  const ended = wipe.finishedAt === undefined ? '' : ` ${new Date(wipe.finishedAt).toISOString()}`
  process.stdout.write([`\nlast wipe: ${wipe.state}${ended}`, ...wipedLines(wipe), ''].join('\n'))
}

/** What machines and switches say of themselves may be meant for the terminal. */
function plainRow([name = '', value = '']: string[]): string[] {
  // The drawing of a disk has its own indentation.
  return [name, name === '' ? value : oneLine(value, longestCell)]
}

function machineRows(machine: MachinePage['machine']): string[][] {
  return [
    ['name', machine.name],
    ['state', machine.state],
    ['MAC', machine.macs.join(', ')],
    ['UUID', machine.uuid ?? '-'],
    ['address', machine.address ?? 'from the pool'],
    ['next boot', machine.intent.kind],
    ['group', machine.group],
    ...(machine.labels ? [['labels', formatLabels(machine.labels)]] : []),
    ...(machine.handOver ? [['hand-over', machine.handOver]] : []),
    ...(machine.conflicts ?? []).map((conflict) => ['held', describeConflict(machine.name, conflict)]),
  ]
}

function inventoryRows(inventory: Inventory): string[][] {
  const { smbios, cpu, bmc } = inventory
  return [
    ['model', [smbios.manufacturer, smbios.product].filter(Boolean).join(' ') || '-'],
    ['serial', smbios.serial ?? '-'],
    ['firmware', describeFirmware(inventory)],
    ...(bmc ? [['BMC', describeBmc(bmc)]] : []),
    ['processors', `${cpu.count} × ${cpu.model} (${inventory.architecture})`],
    ['memory', `${(inventory.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
    ...inventory.disks.flatMap((disk) => [['disk', describeDisk(disk)], ...contentRows(disk)]),
    ...inventory.interfaces.map((nic) => ['interface', describeInterface(nic)]),
  ]
}

function describeFirmware({ firmware, secureBoot, smbios }: Inventory): string {
  const { biosVersion, biosDate } = smbios
  const isSecure = secureBoot === undefined ? undefined : `Secure Boot ${secureBoot ? 'on' : 'off'}`
  return [firmware.toUpperCase(), biosVersion, biosDate && `of ${biosDate}`, isSecure].filter(Boolean).join(', ')
}

function describeBmc({ address, mac, source, firmware }: Bmc): string {
  const where = address === undefined ? 'no address' : `${address}${source === undefined ? '' : ` (${source})`}`
  return [where, mac, firmware && `firmware ${firmware}`].filter(Boolean).join(', ')
}

function describeInterface(nic: NetworkInterface): string {
  const { name, mac, driver, linkUp, speedMbps, bootedFrom, neighbour, neighbourHeardAt } = nic
  const link = linkUp ? `up${speedMbps === undefined ? '' : ` ${speedMbps} Mb/s`}` : 'no link'
  const heard = neighbourHeardAt === undefined ? '' : ` (heard ${new Date(neighbourHeardAt).toISOString()})`
  const cable = neighbour && `${describeNeighbour(neighbour)}${heard}`
  return [`${name} ${mac} ${driver ?? 'no driver named'} ${link}`, bootedFrom && 'booted from', cable]
    .filter(Boolean)
    .join(', ')
}

/** An inventory from before tables were read has neither. */
function contentRows(disk: Disk): string[][] {
  return disk.table || disk.signature ? drawDisk(disk).map((line) => ['', line]) : []
}
