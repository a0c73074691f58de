import { readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DhcpBench } from './bench.ts'

/** What a client was told, in the variables of its script. */
export type ClientScript = { script: string; told(): string }

/** Sets the address the client was given, as its distribution's script would, and notes all it was told. */
export async function writeClientScript(bench: DhcpBench): Promise<ClientScript> {
  const script = join(bench.directory, 'script')
  const notes = join(bench.directory, 'told')
  const text = `#!/bin/sh
echo "$0 $1$reason" >> ${notes}
env | sort >> ${notes}
case "$1$reason" in
  bound|renew) ip addr replace "$ip/$mask" dev "$interface"
    if [ -n "$router" ]; then ip route replace default via "$router"; fi ;;
  BOUND|REBOOT|RENEW) ip addr replace "$new_ip_address/24" dev "$interface" ;;
  deconfig|PREINIT|RELEASE|EXPIRE) ip addr flush dev "$interface" ;;
esac
exit 0
`
  await writeFile(script, text)
  await chmod(script, 0o755)
  return { script, told: () => readFileSync(notes, { encoding: 'utf8', flag: 'a+' }) }
}
