import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { callVariables, renderGet, renderPost } from '../core/call-script.ts'

export type UpdateScriptFacts = {
  /** Origin of the boot plane. */
  server: string
  /** The interface that it was booted from, as a query. */
  card: string
  tokenFile: string
  keyFile: string
  /** Gets what is fetched. */
  work: string
  /** Has a `kexec` where the version has none (ramdisk/ram-root/identity.sh). */
  tools: string
  kexecPlaces: readonly string[]
}

const script = readFileSync(join(import.meta.dirname, 'update.sh'), 'utf8')

/** What has a running system moved to another version: update.sh with what it must know of this machine and its server. */
export function updateScript({
  server,
  card,
  tokenFile,
  keyFile,
  work,
  tools,
  kexecPlaces,
}: UpdateScriptFacts): string {
  const url = new URL(server)
  return `#!/bin/sh
# Written by Bootwright at this boot.
set -u
umask 077
${callVariables(url)}
token_file=${tokenFile}
token=$(cat "$token_file") && key=$(cat ${keyFile}) || exit 0
card='${card}'
work=${work}
tools=${tools}
kexec_places='${kexecPlaces.join(' ')}'

${renderPost(url)}

${renderGet(url)}

${script}`
}
