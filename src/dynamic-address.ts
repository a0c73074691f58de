import type { Logger } from 'pino'
import { formatIpv4 } from './bytes/ipv4.ts'
import type { DhcpInterface } from './dhcp/dhcp-site.ts'
import type { SiteFile } from './dhcp/site-file.ts'
import { InterfaceNotUsable } from './net/interfaces.ts'
import { ProgramFailed, runProgram } from './programs/run-program.ts'

const ipTimeoutMs = 5000

type AddressEntry = { addr_info?: { local?: string; dynamic?: boolean }[] }

/**
 * An interface that got its own address by DHCP has a DHCP server on its segment already: a second one is not started
 * there by mistake. Throws InterfaceNotUsable.
 */
export async function refuseDynamicAddresses(
  links: readonly DhcpInterface[],
  { interfaces }: Pick<SiteFile, 'interfaces'>,
  log: Logger,
): Promise<void> {
  for (const { name, serverAddress, answers, isSilent } of links) {
    if (answers !== 'authoritative' || isSilent || interfaces[name]?.evenIfDynamic) continue
    const address = formatIpv4(serverAddress)
    if (!(await isDynamic(name, address, log))) continue
    throw new InterfaceNotUsable(
      name,
      `its own address ${address} came from a DHCP server, so that there is one already; set the interface to proxy, or say --even-if-dynamic (evenIfDynamic: true in the site file) if that server is to be replaced`,
    )
  }
}

/** Whether the kernel was given the address with a lifetime, as DHCP clients do. */
async function isDynamic(name: string, address: string, log: Logger): Promise<boolean> {
  try {
    const stdout = await runProgram('ip', ['-j', '-4', 'address', 'show', 'dev', name], { timeoutMs: ipTimeoutMs })
    const entries = JSON.parse(stdout) as AddressEntry[]
    return entries.flatMap(({ addr_info = [] }) => addr_info).some((each) => each.local === address && each.dynamic)
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error
    log.warn({ interface: name, reason: error.message }, 'cannot tell whether the address came from a DHCP server')
    return false
  }
}
