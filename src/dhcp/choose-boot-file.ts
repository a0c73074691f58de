import { chooseLoader } from '../boot/choose-loader.ts'
import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { DecideContext, Request } from './decision.ts'
import { withoutToken } from './dhcp-event.ts'

/** `because` completes "… because"; `shown` is the boot file as a person may see it, without a token. */
export type BootFileChoice =
  | { bootFile: string; shown: string; because: string }
  | { bootFile?: never; because: string }

/**
 * iPXE gets the URL of its script, UEFI HTTP boot the URL of a loader, other firmware the loader's TFTP path; a client
 * that is no firmware gets none.
 */
export function chooseBootFile(request: Request, context: DecideContext, address: Ipv4): BootFileChoice {
  const { classification } = request
  if (classification.kind !== 'firmware') return { because: classification.because }
  const { firmware, because } = classification
  if (firmware.kind === 'ipxe') {
    const url = context.scriptUrl(request, address)
    return { bootFile: url, shown: withoutToken(url), because }
  }
  const loader = chooseLoader(firmware.kind === 'uefi-http' ? { ...firmware, kind: 'uefi-pxe' } : firmware)
  if (!loader) return { because: `${because}, and no loader here runs on ${firmware.kind} ${firmware.architecture}` }
  if (firmware.kind !== 'uefi-http') return { bootFile: loader.bootFile, shown: loader.bootFile, because }
  const { serverAddress, httpPort } = context.config
  const url = `http://${formatIpv4(serverAddress)}:${httpPort}/loaders/${loader.bootFile}`
  return { bootFile: url, shown: url, because }
}
