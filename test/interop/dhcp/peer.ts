import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fetchPeer } from '../../../bench/peer-program.ts'
import type { Network, ProgramResult } from '../network-pair.ts'

/** Programs of Debian packages that are unpacked and not installed: most of them would start daemons here. */
const packages = {
  dhcrelay: ['isc-dhcp-relay', 'usr/sbin/dhcrelay'],
  'dhcp-helper': ['dhcp-helper', 'usr/sbin/dhcp-helper'],
  dhcpcd: ['dhcpcd-base', 'usr/sbin/dhcpcd'],
  bootpc: ['bootpc', 'sbin/bootpc'],
  dnsmasq: ['dnsmasq-base', 'usr/sbin/dnsmasq'],
  dhcpd: ['isc-dhcp-server', 'usr/sbin/dhcpd'],
} as const

/** dhcpcd keeps its leases in one place for all; each of ours begins with none, and leaves none behind. */
const ownState = 'mount -t tmpfs none /var/lib && mkdir /var/lib/dhcpcd && exec "$@"'

async function commandOf(name: keyof typeof packages): Promise<[string, ...string[]]> {
  const [packageName, path] = packages[name]
  const { program, libraryPath } = await fetchPeer(packageName, path, () => {})
  const run = ['env', `LD_LIBRARY_PATH=${libraryPath}`, program] as const
  return name === 'dhcpcd' ? ['unshare', '--mount', 'sh', '-c', ownState, 'sh', ...run] : [...run]
}

/** Runs it to its end. */
export async function runPeer(network: Network, name: keyof typeof packages, values: string[]): Promise<ProgramResult> {
  const [file, ...rest] = await commandOf(name)
  return network.run(file, [...rest, ...values])
}

/** Runs it until the test ends, by `wrapper` where one is given. `output` grows as it speaks. */
export async function startPeer(
  t: TestContext,
  network: Network,
  name: keyof typeof packages,
  values: string[],
  wrapper: readonly string[] = [],
): Promise<{ process: ChildProcess; output: () => string }> {
  const [file, ...rest] = [...wrapper, ...(await commandOf(name))]
  const process = spawn(...network.command(file!, ...rest, ...values), { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('data', (text: Buffer) => {
      said += text.toString('utf8')
    })
  }
  const ended = once(process, 'exit')
  t.after(async () => {
    process.kill('SIGKILL')
    await ended
  })
  return { process, output: () => said }
}
