import type { SettingsEntry } from '../dhcp/site-file.ts'
import { type Directive, splitParts, takeTags } from './dnsmasq-directive.ts'
import { isIpv4 } from './old-address.ts'
import type { SiteDraft } from './site-draft.ts'

/** dhcp-boot without its tags: `FILE[,SERVER-NAME[,SERVER-ADDRESS]]`. */
export function readBoot([bootFile = '', , server]: readonly string[]): SettingsEntry | string {
  if (bootFile === '') return 'it names no file'
  if (server === undefined || server === '') return { bootFile }
  if (!isIpv4(server)) return `${server} is no address; the TFTP server is given by its address here`
  return { bootFile, nextServer: server }
}

/** Client system types by dnsmasq's names, as option 93's numbers (its src/option.c). */
const systemTypes: Record<string, number> = {
  x86PC: 0,
  IA64_EFI: 2,
  IA32_EFI: 6,
  BC_EFI: 7,
  'X86-64_EFI': 9,
  ARM32_EFI: 10,
  ARM64_EFI: 11,
}

/**
 * `CSA,"text",BASENAME[,SERVER]`: the first of a system is what boots by itself. A base name without a suffix gets `.0`.
 */
export function readPxeService({ value }: Directive, { classes }: SiteDraft): string | undefined {
  const { tags, rest } = takeTags(splitParts(value))
  const [system = '', , baseName, server] = rest
  if (tags.length > 0) return 'a service for some tags only has no counterpart'
  const architecture = systemTypes[system] ?? (/^\d+$/.test(system) ? Number(system) : undefined)
  if (architecture === undefined) return `${system} is no system that boots here`
  if (baseName === undefined || baseName === '0') return 'the local disk is what a machine boots whose intent is local'
  if (/^\d+$/.test(baseName)) return "another boot server's services have no counterpart"
  const name = `pxe-service ${system}`
  if (classes.some((each) => each.name === name)) return 'there is no menu: the first service of a system is taken'
  const bootFile = /\.[^/]*$/.test(baseName) ? baseName : `${baseName}.0`
  const nextServer = server !== undefined && /^[\d.]+$/.test(server) ? { nextServer: server } : {}
  // dnsmasq names x64 firmware by 9, which sends 7 (PXE) as well
  const architectures = architecture === 9 || architecture === 7 ? [7, 9] : [architecture]
  classes.push({ name, match: { vendorClass: 'PXEClient*', architecture: architectures }, bootFile, ...nextServer })
  return undefined
}
