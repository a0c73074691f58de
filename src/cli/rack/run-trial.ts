import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LinuxError } from '../../linux/linux-error.ts'
import { closeFd, openListeningSocketFd } from '../../linux/socket.ts'
import { checkRack, RackUnavailable } from '../../rack/check-rack.ts'
import { enterRack, firstPassedFd } from '../../rack/namespace.ts'
import { showEvent } from '../follow-work.ts'
import { formatDuration } from '../output.ts'
import { ProgressBar } from '../progress-bar.ts'
import type { RackMessage, RackTask } from './rack-message.ts'
import { prepareSupplies } from './supplies.ts'

export type TrialOptions = { once?: boolean; firmware: 'bios' | 'uefi'; json?: boolean }

const inside = join(import.meta.dirname, 'run-trial-inside.ts')
const consoleAddress = '127.0.0.1'
const consolePort = 4281
const portsTried = 20
const stopTimeoutMs = 30_000
/** As a shell reports a program ended by SIGINT. */
const interruptedExitCode = 130

/** Prepares what is needed, then shows a machine being deployed; sets the exit code. Rejects with RackUnavailable. */
export async function runTrial(options: TrialOptions): Promise<void> {
  const bar = new ProgressBar()
  const check = await checkRack()
  if (check.kind === 'unavailable') throw new RackUnavailable(check.missing)
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const supplies = await prepareSupplies(bar, interrupted.signal)
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-trial-'))
  const listener = openConsoleListener()
  const task: RackTask = { directory, supplies, managementFd: firstPassedFd, firmware: options.firmware }
  const rack = enterRack({
    module: inside,
    arguments: [JSON.stringify(task)],
    namespaces: check.namespaces,
    passedFds: [listener.fd],
  })
  closeFd(listener.fd)
  const token = (await readFile(join(supplies.keysDirectory, 'management.token'), 'utf8').catch(() => '')).trim()
  bar.say(`The console: http://${consoleAddress}:${listener.port}/#token=${token}`)
  const outcome = await watchTrial(rack, { bar, options, interrupted: interrupted.signal })
  bar.clear()
  if (outcome.kind === 'failed') {
    bar.say(`The trial failed: ${outcome.failure}\nLogs and captures: ${directory}`)
    process.exitCode = 1
    return
  }
  await rm(directory, { recursive: true, force: true })
  if (outcome.kind === 'interrupted' && options.once) process.exitCode = interruptedExitCode
  if (options.json && outcome.kind === 'deployed') {
    const { hostName, machineId, kernelRelease, seconds } = outcome
    const { firmware } = options
    process.stdout.write(`${JSON.stringify({ ok: true, firmware, seconds, hostName, machineId, kernelRelease })}\n`)
  }
}

type Deployed = Extract<RackMessage, { kind: 'deployed' }>
type Outcome = Deployed | { kind: 'failed'; failure: string } | { kind: 'interrupted' }
type Watch = { bar: ProgressBar; options: TrialOptions; interrupted: AbortSignal }

/** Shows what happens in the rack until it has ended. */
async function watchTrial(rack: ChildProcess, { bar, options, interrupted }: Watch): Promise<Outcome> {
  let outcome: Outcome = { kind: 'failed', failure: 'the process in the rack ended by itself' }
  const stop = () => {
    if (outcome.kind === 'failed') outcome = { kind: 'interrupted' }
    rack.send('stop', () => {}) // it may have ended already
    setTimeout(() => rack.kill('SIGKILL'), stopTimeoutMs).unref()
    process.once('SIGINT', () => rack.kill('SIGKILL'))
  }
  interrupted.addEventListener('abort', stop)
  rack.on('message', (message: RackMessage) => {
    if (message.kind === 'log') bar.say(message.line)
    else if (message.kind === 'event') showEvent(bar, message.event, message.machine)
    else if (message.kind === 'failed') outcome = message
    else if (message.kind === 'deployed') {
      outcome = message
      bar.say(describeDeployed(message))
      if (options.once) stop()
      else bar.say(describeNext(message))
    }
  })
  await once(rack, 'exit')
  return outcome
}

function describeDeployed({ hostName, kernelRelease, machineId, seconds }: Deployed): string {
  const time = formatDuration(seconds)
  return `Logged in to ${hostName} on its console: Linux ${kernelRelease}, machine-id ${machineId}, ${time} after power-on.`
}

function describeNext({ consoleLog }: Deployed): string {
  return (
    `The rack stays up: look at the console page, or at what the machine says with \`tail -f ${consoleLog}\`. ` +
    'On real hardware, begin with `bootwright serve --interface eth1`. Ctrl-C ends the trial and leaves nothing behind.'
  )
}

/** Made out here, so that a browser reaches it; its socket is handed to the service in the rack. */
function openConsoleListener(): { fd: number; port: number } {
  for (let port = consolePort; ; port++) {
    try {
      return { fd: openListeningSocketFd({ address: consoleAddress, port }), port }
    } catch (error) {
      const isTaken = error instanceof LinuxError && error.code === 'EADDRINUSE'
      if (!isTaken || port >= consolePort + portsTried) throw error
    }
  }
}
