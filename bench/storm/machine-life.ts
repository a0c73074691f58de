import { setTimeout as wait } from 'node:timers/promises'
import type { Mac } from '../../src/bytes/mac.ts'
import { type Uuid, uuidToSmbiosBytes } from '../../src/bytes/uuid.ts'
import type { Addresses } from './addresses.ts'
import { liveAsAgent } from './agent-life.ts'
import { type DhcpDesk, dhcpTimeoutsMs } from './dhcp-desk.ts'
import { askSizeByTftp, fetchByTftp } from './fetch-by-tftp.ts'
import { GaveUp } from './gave-up.ts'
import { HttpConnection } from './http-connection.ts'
import { readIpxeScript } from './ipxe-script.ts'

/** Seconds from power-on, each as far as the machine came. */
export type MachineTimes = {
  /** Its firmware has an address. */
  address?: number
  /** It has its loader. */
  loader?: number
  /** It has a script: the agent's, or one that shows its place in line. */
  script?: number
  /** It may load the agent. */
  turn?: number
  /** The last byte of kernel and ramdisk is there. */
  ramdisk?: number
  /** Its order is done and reported. */
  served?: number
  gaveUp?: string
}

export type Identity = { mac: Mac; uuid: Uuid; xid: number }

/** UEFI x64. */
const architecture = 7

/** One machine from power-on to the end of its order. What it needs itself, to start programs, takes no time. */
export async function liveAsMachine(
  { mac, uuid, xid }: Identity,
  { desk, addresses, poweredOnAt }: { desk: DhcpDesk; addresses: Addresses; poweredOnAt: number },
): Promise<MachineTimes> {
  const times: MachineTimes = {}
  const reached = (what: 'address' | 'loader' | 'script' | 'turn' | 'ramdisk' | 'served') => {
    times[what] = (performance.now() - poweredOnAt) / 1000
  }
  const client = { mac, uuid: uuidToSmbiosBytes(uuid), architecture, wantsBroadcast: true }
  try {
    const firmware = await desk.lease({ ...client, xid, isIpxe: false }, dhcpTimeoutsMs.firmware)
    reached('address')
    const { address, bootFile, nextServer } = firmware
    addresses.add(address)
    await askSizeByTftp(await addresses.bind(address), nextServer, bootFile)
    await fetchByTftp(await addresses.bind(address), nextServer, bootFile)
    reached('loader')
    const loader = await desk.lease({ ...client, xid: (xid ^ 0x5a5a5a5a) >>> 0, isIpxe: true }, dhcpTimeoutsMs.ipxe)
    if (loader.address !== address) throw new GaveUp(`its address became ${loader.address}, from ${address}`)
    const words = await loadAgent(loader.bootFile, address, reached)
    const connection = new HttpConnection(new URL(loader.bootFile), address)
    try {
      await liveAsAgent(connection, { mac, uuid, words })
      reached('served')
    } finally {
      connection.close()
    }
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error
    times.gaveUp = error.message
  }
  return times
}

/** As iPXE does: its script, again and again while it is told to wait, then kernel and initrds. */
async function loadAgent(
  scriptUrl: string,
  address: string,
  reached: (what: 'script' | 'turn' | 'ramdisk') => void,
): Promise<ReadonlyMap<string, string>> {
  let url = new URL(scriptUrl)
  for (let asked = 1; ; asked++) {
    const connection = new HttpConnection(url, address)
    try {
      const { status, text } = await connection.request('GET', url.pathname + url.search)
      if (status !== 200) throw new GaveUp(`its script: ${status} ${text}`)
      if (asked === 1) reached('script')
      const action = readIpxeScript(text)
      if (action.kind === 'load') {
        reached('turn')
        await loadAll(connection, action.urls)
        reached('ramdisk')
        return action.arguments
      }
      url = new URL(action.url)
      connection.close()
      await wait(action.seconds * 1000)
    } finally {
      connection.close()
    }
  }
}

async function loadAll(connection: HttpConnection, urls: readonly string[]): Promise<void> {
  for (const file of urls) {
    const { pathname } = new URL(file)
    const { status, bodyBytes } = await connection.request('GET', pathname, undefined, undefined, false)
    if (status !== 200 || bodyBytes === 0) throw new GaveUp(`GET ${pathname}: ${status}, ${bodyBytes} bytes`)
  }
}
