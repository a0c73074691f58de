import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { Check } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'
import { ScriptReply } from '../../core/agent-protocol.ts'
import { longestScriptBytes, type RunWork } from '../../core/errand.ts'
import { unseal } from '../../core/seal.ts'
import { powerOffMachine, rebootMachine } from '../hand-over.ts'
import { say } from '../say.ts'
import { runStep } from '../step-run.ts'
import type { ErrandContext, ErrandOutcome } from './errand-context.ts'
import { ownAddress } from './rescue.ts'
import { runScript } from './run-script.ts'

const directory = '/run/bootwright/run'
const scriptPath = `${directory}/script`
const disksPath = `${directory}/disks.json`
const fetchTimeoutMs = 60_000

const leave: Record<RunWork['afterwards'], (() => Promise<void>) | undefined> = {
  stay: undefined,
  reboot: rebootMachine,
  'power-off': powerOffMachine,
}

/** Fetches the operator's script, runs it, and tells what it says as it says it. */
export async function run(context: ErrandContext): Promise<ErrandOutcome> {
  const { reporter, inventory } = context
  const work = context.order.work as RunWork
  await runStep(reporter, 'fetch-script', async () => {
    const script = await fetchScript(context, work)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(scriptPath, script)
    await chmod(scriptPath, 0o700)
    await writeFile(disksPath, JSON.stringify(inventory.disks, undefined, 2))
    return { value: undefined, bytesDone: script.length }
  })
  const status = await runStep(reporter, 'run-script', async (onBytes) => {
    const value = await runScript(context, work, {
      ...{ command: [scriptPath, ...work.arguments], directory, environment: environmentOf(context), onBytes },
    })
    if (value !== 0) throw new Error(`${work.name} ended with status ${value}`)
    return { value, detail: `${work.name} ended with status 0` }
  })
  const afterwards = leave[work.afterwards]
  return { detail: `${work.name} ended with status 0`, result: { status }, ...(afterwards && { afterwards }) }
}

async function fetchScript({ session, stop }: ErrandContext, { url }: RunWork): Promise<Uint8Array> {
  const { signal } = stop
  if (url !== undefined) return fetchFrom(url, AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMs)]))
  const reply = await session.client.request('GET', '/agent/script', undefined, { signal, onTrouble: say })
  if (!Check(ScriptReply, reply)) throw new DecodeError('script', 'the answer has none')
  return unseal(reply.sealed, session.privateKey)
}

async function fetchFrom(url: string, signal: AbortSignal): Promise<Uint8Array> {
  const answer = await fetch(url, { signal })
  if (!answer.ok) throw new Error(`Cannot fetch ${url}: the answer is ${answer.status} ${answer.statusText}`)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body ?? []) {
    parts.push(part)
    length += part.length
    if (length > longestScriptBytes) throw new Error(`Cannot run ${url}: it is longer than ${longestScriptBytes} bytes`)
  }
  return Buffer.concat(parts)
}

function environmentOf(context: ErrandContext): Record<string, string> {
  const { order, session, bootMac, doneUrl } = context
  return {
    BOOTWRIGHT_MACHINE: order.machine.name,
    BOOTWRIGHT_MAC: bootMac,
    BOOTWRIGHT_ADDRESS: ownAddress(context),
    BOOTWRIGHT_SERVER: session.client.baseUrl,
    BOOTWRIGHT_DONE_URL: doneUrl,
    BOOTWRIGHT_DISKS: disksPath,
  }
}
