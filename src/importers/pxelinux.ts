import { join } from 'node:path'
import { type Mac, parseMac } from '../bytes/mac.ts'
import { macName } from './host-name.ts'
import type { ImportContext, Imported } from './imported.ts'
import { SiteDraft } from './site-draft.ts'

/** What a machine's file is called: ARP type 1 and its MAC, in lower case with hyphens. */
const macFile = /^01-(([0-9a-f]{2}-){5}[0-9a-f]{2})$/i
const loaders = ['lpxelinux.0', 'pxelinux.0'] as const

/**
 * A TFTP root with a `pxelinux.cfg`: served as it is (`files`, `handMade`), its machines by the files that are named after
 * their MACs. Throws what the file system throws.
 */
export function importPxelinux(root: string, context: ImportContext): Imported {
  const draft = new SiteDraft()
  const names = context.list(root)
  const loader = loaders.find((name) => names.includes(name))
  draft.files = root
  if (loader) draft.settings.handMade = loader
  else draft.leaveOut({ file: root, line: 0, text: root }, `there is no ${loaders.join(' and no ')} to run first`)
  for (const name of context.list(join(root, 'pxelinux.cfg'))) {
    const file = join(root, 'pxelinux.cfg', name)
    const mac = macOf(name)
    if (mac) draft.addHost({ name: macName(mac), macs: [mac], settings: {}, place: { file, line: 1 } })
    else if (name !== 'default') {
      draft.leaveOut(
        { file, line: 0, text: name },
        'it names no MAC, so no machine is made of it; it is served as it is',
      )
    }
  }
  return draft.finish()
}

function macOf(name: string): Mac | undefined {
  const [, mac] = macFile.exec(name) ?? []
  return mac === undefined ? undefined : parseMac(mac)
}
