import { chooseLoader, type LoaderChoice } from '../boot/choose-loader.ts'
import { grubPath } from '../boot/render-grub.ts'
import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { Firmware } from '../core/firmware.ts'
import { isOrdered } from '../core/intent.ts'
import type { LoaderName } from '../core/loader.ts'
import type { DecideContext, Request } from './decision.ts'
import { withoutToken } from './dhcp-event.ts'
import { Option } from './option.ts'
import { decodeText } from './options.ts'

/** `because` completes "… because"; `shown` is the boot file as a person may see it, without a token. */
export type BootFileChoice =
  | { bootFile: string; shown: string; because: string; scriptOption?: ScriptOption }
  | { bootFile?: never; because: string }

/** How a loader that asks DHCP for nothing itself learns where its script is: an option it reads in the firmware's answer. */
type ScriptOption = { code: number; text: string }

/**
 * iPXE gets the URL of its script, UEFI HTTP boot the URL of a loader, other firmware the loader's TFTP path; a client
 * that is no firmware gets none. `address` is what the script's token is tied to, 0 where another server gives it.
 */
export function chooseBootFile(request: Request, context: DecideContext, address: Ipv4): BootFileChoice {
  const { classification } = request
  const { because } = classification
  if (classification.kind === 'client') return configuredFile(request, context)
  const handMade = chooseHandMade(request, context)
  if (handMade) return handMade
  const other = otherLoader(request, context)
  if (classification.kind === 'firmware' && classification.firmware.kind === 'ipxe' && !other) {
    const { ipxeBootFile } = context.config
    if (ipxeBootFile !== undefined) {
      return { bootFile: ipxeBootFile, shown: ipxeBootFile, because: `${because}; it is configured` }
    }
    const url = scriptUrl(request, context, address)
    return { bootFile: url, shown: withoutToken(url), because }
  }
  const loader = chooseLoaderFile(request, context, other)
  if (loader.bootFile === undefined) return loader
  const bootFile = bootsOverHttp(request) ? urlOf(loader.bootFile, context.config) : loader.bootFile
  const scriptOption =
    other?.bootFile === loader.bootFile ? scriptOptionOf(other, request, context, address) : undefined
  return { bootFile, shown: bootFile, because: loader.because, ...(scriptOption && { scriptOption }) }
}

/** Where the machine's frames need a tag, the script says it to the agent: iPXE and firmware tag without telling. */
function scriptUrl(request: Request, context: DecideContext, address: Ipv4, loader?: LoaderName): string {
  const url = context.scriptUrl(request, address, loader)
  const { vlan } = context.config
  return vlan === undefined ? url : `${url}${url.includes('?') ? '&' : '?'}vlan=${vlan}`
}

/**
 * The operator's own loader with its hand-made configuration, which knows nothing of orders: only where none waits. Whatever asks
 * gets it, so that also a network card with iPXE in its ROM runs it.
 */
function chooseHandMade(request: Request, { config, hasLoader }: DecideContext): BootFileChoice | undefined {
  const { classification, machine } = request
  const { handMade } = config
  if (handMade === undefined || (machine && isOrdered(machine.intent))) return undefined
  const because = `${classification.because}; nothing is ordered for it, so it gets what is configured by hand`
  if (!hasLoader(handMade)) return { because: `${because}, but ${handMade} is not here` }
  const bootFile = bootsOverHttp(request) ? urlOf(handMade, config) : handMade
  return { bootFile, shown: bootFile, because }
}

/**
 * The loader that runs in place of iPXE: what somebody chose, where there is one for the firmware (iPXE in a ROM can run it too),
 * or what there is where iPXE is not.
 */
function otherLoader({ classification }: Request, { config }: DecideContext): LoaderChoice | undefined {
  if (classification.kind !== 'firmware') return undefined
  const { firmware } = classification
  // GRUB would not see the DHCP answer of HTTP boot, where its script's address stands; iPXE asks again itself.
  const wanted = firmware.kind === 'uefi-http' && config.loader === 'grub' ? 'ipxe' : config.loader
  const choice = chooseLoader(beneathHttpAndIpxe(firmware), wanted)
  if (!choice || choice.loader === 'ipxe') return undefined
  return choice.loader === wanted || firmware.kind !== 'ipxe' ? choice : undefined
}

/** What the firmware is when it is asked for a loader by path: HTTP is only another way to it, and iPXE is like its PXE. */
function beneathHttpAndIpxe(firmware: Firmware): Firmware {
  if (firmware.kind !== 'uefi-http' && firmware.kind !== 'ipxe') return firmware
  return { ...firmware, kind: firmware.platform === 'bios' ? 'bios-pxe' : 'uefi-pxe' }
}

/** GRUB shows scripts the extensions path (RFC 2132 §3.20) as a variable; PXELINUX reads its configuration's URL (RFC 5071). */
function scriptOptionOf(
  { loader }: LoaderChoice,
  request: Request,
  context: DecideContext,
  address: Ipv4,
): ScriptOption | undefined {
  const url = scriptUrl(request, context, address, loader)
  if (loader === 'grub') return { code: Option.extensionsPath, text: grubPath(url) }
  if (loader === 'shim') return { code: Option.extensionsPath, text: grubPath(url, 'tftp') }
  return loader === 'pxelinux' ? { code: Option.configurationFile, text: url } : undefined
}

/** What calls itself no firmware gets a boot file that is configured, and none otherwise. */
function configuredFile({ message, classification }: Request, { config }: DecideContext): BootFileChoice {
  const { because } = classification
  const { bootFile } = config
  // Debian's installer takes a boot file for its preseed file.
  const isInstaller = decodeText(message.options, Option.vendorClass)?.startsWith('d-i') ?? false
  if (bootFile === undefined || isInstaller) return { because }
  return { bootFile, shown: bootFile, because: `${because}, but one is configured` }
}

/** The operator's choice, else the loader that runs on the firmware. */
function chooseLoaderFile(
  { classification }: Request,
  { config, hasLoader }: DecideContext,
  other: LoaderChoice | undefined,
): { bootFile: string; because: string } | { bootFile?: never; because: string } {
  const { because } = classification
  if (config.bootFile !== undefined) return { bootFile: config.bootFile, because: `${because}; it is configured` }
  if (classification.kind !== 'firmware') return { because }
  const { firmware } = classification
  if (other?.loader === 'shim' && firmware.kind === 'uefi-http') {
    return {
      because: `${because}, and the signed GRUB behind shim loads nothing over HTTP: let the firmware boot by PXE`,
    }
  }
  const loader = other ?? chooseLoader(beneathHttpAndIpxe(firmware))
  if (!loader) return { because: `${because}, and no loader here runs on ${firmware.kind} ${firmware.architecture}` }
  if (!hasLoader(loader.bootFile)) return { because: `${because}, and its loader ${loader.bootFile} is not here` }
  return { bootFile: loader.bootFile, because }
}

function bootsOverHttp({ classification, message }: Request): boolean {
  if (classification.kind === 'firmware') return classification.firmware.kind === 'uefi-http'
  return decodeText(message.options, Option.vendorClass)?.startsWith('HTTPClient') ?? false
}

/** Firmware that boots over HTTP never gets a TFTP name. */
function urlOf(bootFile: string, config: DecideContext['config']): string {
  if (bootFile.includes('://')) return bootFile
  return `http://${formatIpv4(config.serverAddress)}:${config.httpPort}/${bootFile.replace(/^\/+/, '')}`
}
