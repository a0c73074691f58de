import { chooseLoader } from '../boot/choose-loader.ts'
import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { DecideContext, Request } from './decision.ts'
import { withoutToken } from './dhcp-event.ts'
import { Option } from './option.ts'
import { decodeText } from './options.ts'

/** `because` completes "… because"; `shown` is the boot file as a person may see it, without a token. */
export type BootFileChoice =
  | { bootFile: string; shown: string; because: string }
  | { bootFile?: never; because: string }

/**
 * iPXE gets the URL of its script, UEFI HTTP boot the URL of a loader, other firmware the loader's TFTP path; a client
 * that is no firmware gets none. `address` is what the script's token is tied to, 0 where another server gives it.
 */
export function chooseBootFile(request: Request, context: DecideContext, address: Ipv4): BootFileChoice {
  const { classification } = request
  const { because } = classification
  if (classification.kind === 'client') return { because }
  if (classification.kind === 'firmware' && classification.firmware.kind === 'ipxe') {
    const url = context.scriptUrl(request, address)
    return { bootFile: url, shown: withoutToken(url), because }
  }
  const loader = chooseLoaderFile(request, context)
  if (loader.bootFile === undefined) return loader
  const bootFile = bootsOverHttp(request) ? urlOf(loader.bootFile, context) : loader.bootFile
  return { bootFile, shown: bootFile, because: loader.because }
}

/** The operator's choice, else the loader that runs on the firmware. */
function chooseLoaderFile(
  { classification }: Request,
  { config, hasLoader }: DecideContext,
): { bootFile: string; because: string } | { bootFile?: never; because: string } {
  const { because } = classification
  if (config.bootFile !== undefined) return { bootFile: config.bootFile, because: `${because}; it is configured` }
  if (classification.kind !== 'firmware') return { because }
  const { firmware } = classification
  const loader = chooseLoader(firmware.kind === 'uefi-http' ? { ...firmware, kind: 'uefi-pxe' } : firmware)
  if (!loader) return { because: `${because}, and no loader here runs on ${firmware.kind} ${firmware.architecture}` }
  if (!hasLoader(loader.bootFile)) return { because: `${because}, and its loader ${loader.bootFile} is not here` }
  return { bootFile: loader.bootFile, because }
}

function bootsOverHttp({ classification, message }: Request): boolean {
  if (classification.kind === 'firmware') return classification.firmware.kind === 'uefi-http'
  return decodeText(message.options, Option.vendorClass)?.startsWith('HTTPClient') ?? false
}

/** Firmware that boots over HTTP never gets a TFTP name. */
function urlOf(bootFile: string, { config }: DecideContext): string {
  if (bootFile.includes('://')) return bootFile
  return `http://${formatIpv4(config.serverAddress)}:${config.httpPort}/loaders/${bootFile}`
}
