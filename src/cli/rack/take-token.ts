import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import type { Mac } from '../../bytes/mac.ts'
import { encodePublicKey } from '../../core/seal.ts'
import { runProgram } from '../../programs/run-program.ts'
import { rackNetwork } from '../../rack/switch.ts'

/** What somebody who listens on the machine's segment learns of its newest boot: its token, and the address that is tied to. */
export async function overhear(capture: string): Promise<{ token: string; address: string }> {
  const packets = (await readFile(capture)).toString('latin1')
  const token = [...packets.matchAll(/boot\.ipxe\?mac=[\w-]+&token=([\w-]{43})/g)].at(-1)?.[1]
  const address = [...packets.matchAll(/GET \/boot\.ipxe/g)].at(-1) && sourceOf(packets)
  if (token === undefined || !address) throw new Error(`Cannot find a boot token in ${capture}`)
  return { token, address }
}

/** Of the IPv4 packet that carries the last request for a script. */
function sourceOf(packets: string): string | undefined {
  const at = packets.lastIndexOf('GET /boot.ipxe')
  const header = packets.lastIndexOf('\x08\x00\x45', at)
  if (at === -1 || header === -1 || at - header > 120) return undefined
  const source = header + 2 + 12
  return [...packets.slice(source, source + 4)].map((character) => character.charCodeAt(0)).join('.')
}

/** Asks the boot plane for a session with a key of its own, as the machine with that address; gives the answer's status. */
export async function exchangeToken(mac: Mac, { token, address }: { token: string; address: string }): Promise<number> {
  const { publicKey } = generateKeyPairSync('x25519')
  const body = { mac, token, publicKey: encodePublicKey(publicKey), nonce: randomBytes(24).toString('base64url') }
  const isOther = address !== rackNetwork.serverAddress
  const place = [`${address}/32`, 'dev', 'lo']
  if (isOther) await runProgram('ip', ['address', 'add', ...place])
  try {
    return await post('/agent/session', body, address)
  } finally {
    if (isOther) await runProgram('ip', ['address', 'delete', ...place])
  }
}

function post(path: string, body: object, localAddress: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const headers = { 'content-type': 'application/json' }
  const options = { host: rackNetwork.serverAddress, port: 4280, path, method: 'POST', headers, localAddress }
  const sent = request({ ...options, timeout: 15_000 }, (response) => {
    response.resume()
    resolve(response.statusCode ?? 0)
  })
  sent.on('error', reject)
  sent.on('timeout', () => sent.destroy(new Error(`no answer to POST ${path} within 15 s`)))
  sent.end(JSON.stringify(body))
  return promise
}
