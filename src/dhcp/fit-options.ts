import { Option } from './option.ts'
import { type Options, optionSizeBytes } from './options.ts'

/** Without these an answer is none, or the machine does not boot. */
const essential: ReadonlySet<number> = new Set([
  Option.messageType,
  Option.serverIdentifier,
  Option.leaseSeconds,
  Option.subnetMask,
  Option.router,
  Option.vendorSpecific,
  Option.message,
  Option.vendorClass,
  Option.clientIdentifier,
  Option.tftpServerName,
  Option.bootFileName,
  Option.relayAgentInformation,
  Option.clientMachineIdentifier,
  Option.subnetSelection,
  Option.classlessRoutes,
  Option.etherboot,
])

/**
 * Leaves out options until the rest takes at most `roomBytes`: first what the client did not ask for in option 55, then
 * what it asked for last. What is essential stays, whether it fits or not.
 */
export function fitOptions(options: Options, roomBytes: number, requested: Uint8Array | undefined): void {
  let sizeBytes = 0
  for (const value of options.values()) sizeBytes += optionSizeBytes(value)
  if (sizeBytes <= roomBytes) return
  const rank = (code: number): number => {
    const at = requested?.indexOf(code) ?? -1
    return at === -1 ? 256 : at
  }
  const dispensable = [...options.keys()].filter((code) => !essential.has(code))
  for (const code of dispensable.toReversed().sort((a, b) => rank(b) - rank(a))) {
    if (sizeBytes <= roomBytes) return
    sizeBytes -= optionSizeBytes(options.get(code)!)
    options.delete(code)
  }
}
