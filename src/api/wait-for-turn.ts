import type { AgentBoot, KernelBoot, WaitBoot } from '../boot/boot-script.ts'
import { readBootToken, renewBootToken } from '../boot/boot-token.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import type { Machine } from '../core/machine.ts'
import type { BootPlane, BootRamdisk } from './boot-plane.ts'

export type WaitingRequest = {
  mac: Mac
  machine: Machine | undefined
  token: string | undefined
  /** Of the script itself. */
  url: string
  remoteAddress: string
  isInsideWait: boolean
  mayWait: boolean
}

/** What is to be loaded for it. */
export function bytesOf({ files }: BootRamdisk, { kernelPath, initrdPaths }: AgentBoot): number {
  const names = [kernelPath, ...initrdPaths].map((path) => path.slice(path.lastIndexOf('/') + 1))
  return files.reduce((sum, { file, bytes }) => sum + (names.includes(file) ? bytes : 0), 0)
}

/** The script for a machine that has to wait; undefined when it is its turn. */
export async function waitForTurn(
  plane: BootPlane,
  request: WaitingRequest,
  boot: AgentBoot | KernelBoot,
  bytes: number,
): Promise<WaitBoot | undefined> {
  const { mac, machine, remoteAddress: address, mayWait, isInsideWait: isInside } = request
  const turn = plane.ramdiskQueue.ask(mac, { address, bytes, mayWait }, plane.state.now())
  if (turn.kind === 'now') {
    if (turn.waitedMs > 0) await tell(plane, machine, `its turn to load, after ${seconds(turn.waitedMs)} s`)
    return undefined
  }
  const { place, etaSeconds, askAgainSeconds, isNew } = turn
  const queue = { place, etaSeconds }
  if (isNew)
    await tell(plane, machine, `waits for its turn to load, number ${place} in line, about ${etaSeconds} s`, queue)
  return { kind: 'wait', title: boot.title, ...queue, askAgainSeconds, url: await nextUrl(plane, request), isInside }
}

/** With a token that outlasts the wait. One that was exchanged already is left to end. */
async function nextUrl(plane: BootPlane, { mac, machine, token, url, remoteAddress }: WaitingRequest): Promise<string> {
  const next = new URL(url)
  next.searchParams.set('inside', 'wait')
  if (token === undefined) return next.href
  const binding = { address: parseIpv4(remoteAddress), mac, intentRevision: machine?.intent.revision ?? 0 }
  const nowSeconds = Math.floor(plane.state.now() / 1000)
  const verdict = readBootToken(plane.tokenKey, token, { ...binding, nowSeconds })
  if (verdict.kind === 'valid' && !(await plane.sessions.isExchanged(verdict.nonce))) {
    const expiresAtSeconds = nowSeconds + plane.tokenLifetimeSeconds
    next.searchParams.set('token', renewBootToken(plane.tokenKey, token, { ...binding, expiresAtSeconds }))
  }
  return next.href
}

async function tell(plane: BootPlane, machine: Machine | undefined, message: string, data?: object): Promise<void> {
  if (!machine) return
  const event = { machineId: machine.id, kind: 'script' as const, message, ...(data && { data: { ...data } }) }
  await plane.state.commit((change) => change.tell(event))
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(0)
}
