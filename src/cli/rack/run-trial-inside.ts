// Entry inside a rack: the trial. One machine is deployed and logged in to; then the rack stays until it is told to stop.
import { endWithOuterProcess } from '../../rack/namespace.ts'
import { readIdentity } from './identity.ts'
import { readTask, tell } from './rack-message.ts'
import { RackSite } from './site.ts'

endWithOuterProcess()
const { directory, supplies, managementFd, firmware = 'uefi' } = readTask()
const stopped = new Promise<void>((resolve) => process.once('message', () => resolve()))

try {
  await using site = await RackSite.open({
    directory,
    supplies,
    ...(managementFd !== undefined && { managementFd }),
    log: (line) => tell({ kind: 'log', line }),
    onEvent: (event, machine) => tell({ kind: 'event', event, machine }),
  })
  await Promise.race([deployOne(site), stopped])
  await stopped
} catch (error) {
  const failure = error instanceof Error ? error.message : String(error)
  tell({ kind: 'failed', failure })
}
process.disconnect?.()
process.exit(0)

async function deployOne(site: RackSite): Promise<void> {
  const startedAt = performance.now()
  const machine = await site.addMachine({ name: 'trial-1', firmware })
  const id = await site.deploy(machine)
  tell({
    kind: 'log',
    line: `${machine.spec.name}: power on (${firmware}, ${machine.spec.memoryMiB} MiB, an empty disk)`,
  })
  await machine.powerOn()
  await site.awaitState(id, 'proved')
  tell({ kind: 'log', line: `${machine.spec.name}: logging in on its console` })
  const { hostName, machineId, kernelRelease } = await readIdentity(await site.logIn(machine))
  const seconds = (performance.now() - startedAt) / 1000
  tell({ kind: 'deployed', hostName, machineId, kernelRelease, seconds, consoleLog: machine.console.logPath })
}
