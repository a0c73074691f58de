import type { Forwarder } from '../content/forwarder.ts'

/** The main thread, which makes boot scripts, is gone or late. */
export class ScriptUnavailable extends Error {
  override readonly name = 'ScriptUnavailable'
}

/** Boot scripts have the same paths as over HTTP, for loaders that speak TFTP alone: `/boot.shim?mac=…&token=…`. */
const scriptPath = /^\/*(boot\.[a-z]+\?.*)$/

/** The request target of a script, as over HTTP; undefined where the path is a file's. */
export function scriptTarget(path: string): string | undefined {
  const target = scriptPath.exec(path)?.[1]
  return target === undefined ? undefined : `/${target}`
}

/** Asks the main thread, which judges token and address as over HTTP. Rejects with ScriptUnavailable. */
export async function fetchScript(
  forwarder: Forwarder,
  target: string,
  remoteAddress: string,
): Promise<{ kind: 'script'; bytes: Uint8Array } | { kind: 'missing'; reason: string }> {
  const outcome = await forwarder.ask({
    method: 'GET',
    url: target,
    headers: {},
    body: new Uint8Array(),
    remoteAddress,
  })
  if (outcome.kind === 'late') throw new ScriptUnavailable('the service did not make the boot script in time')
  if (outcome.kind === 'unavailable') throw new ScriptUnavailable(outcome.reason)
  const { status, body } = outcome.answer
  return status === 200
    ? { kind: 'script', bytes: body }
    : { kind: 'missing', reason: `there is no such boot script (${status})` }
}
