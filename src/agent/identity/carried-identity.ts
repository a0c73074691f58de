import type { InsideRoot } from '../inside-root.ts'

/** What other machines know a machine by, taken from a system that it had before. */
export type CarriedIdentity = {
  /** machine-id(5). */
  machineId?: string
  hostKeys: HostKey[]
}

/** `type` as ssh-keygen names it: `ed25519`. */
export type HostKey = { type: string; privateText: string; publicText: string }

const privateKey = /^ssh_host_(\w+)_key$/

/** Whatever of it the older system has; what is missing or malformed is made anew. */
export function readCarriedIdentity(root: InsideRoot): CarriedIdentity {
  const machineId = root.readText('/etc/machine-id')?.trim()
  const hostKeys: HostKey[] = []
  for (const file of root.list('/etc/ssh')) {
    const type = privateKey.exec(file)?.[1]
    const privateText = type && root.readText(`/etc/ssh/${file}`)
    const publicText = type && root.readText(`/etc/ssh/${file}.pub`)
    if (type && privateText && publicText) hostKeys.push({ type, privateText, publicText })
  }
  return { hostKeys, ...(/^[0-9a-f]{32}$/.test(machineId ?? '') && { machineId: machineId! }) }
}
