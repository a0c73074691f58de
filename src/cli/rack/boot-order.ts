import { decodeBootOrder } from '../../core/boot-order.ts'
import type { Shell } from '../../rack/login.ts'

const variables = '/sys/firmware/efi/efivars'
const globalGuid = '8be4df61-93ca-11d2-aa0d-00e098032b8c'

/** The firmware's boot entries in their order, by what they are called, of a UEFI machine we are logged in to. */
export async function readBootOrder(shell: Shell): Promise<string[]> {
  const hex = await shell.run(`od -An -v -tx1 -j4 ${variables}/BootOrder-${globalGuid} | tr -d ' \\n'`)
  const labels: string[] = []
  for (const number of decodeBootOrder(hex)) {
    // attributes, length of the path, then the description in UTF-16 up to its NUL
    const entry = Buffer.from(
      await shell.run(`od -An -v -tx1 -j10 -N128 ${variables}/Boot${number}-${globalGuid} | tr -d ' \\n'`),
      'hex',
    ).toString('utf16le')
    labels.push(entry.slice(0, entry.indexOf('\0')))
  }
  return labels
}
