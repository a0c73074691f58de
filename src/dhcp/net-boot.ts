import type { Mac } from '../bytes/mac.ts'
import type { Request } from './decision.ts'
import { Option } from './option.ts'
import { decodeText } from './options.ts'

/** What an image starts, as byte 0 of its id says (BSDP 1.0, "Boot Image Attributes"). */
export const netBootKinds = ['os9', 'osx', 'server', 'diagnostics'] as const

/** One image of Apple NetBoot. */
export type NetBootImage = {
  /** As the Mac's startup disk chooser shows it. */
  name: string
  /** 32 bits: install flag, kind, and the index, which is never 0. */
  id: number
  /** The booter, by TFTP. */
  bootFile: string
  /** Option 17, such as `nfs:10.0.0.1:/nb:image.dmg`. */
  rootPath?: string
  /** `i386`, `ppc`: the second part of the client's vendor class. Any where left out. */
  architectures?: readonly string[]
  /** The third part: the whole name, or its beginning where it ends in `*`. */
  models?: readonly string[]
  macs?: readonly Mac[]
}

/** Apple NetBoot of a site. Plain data: it crosses threads. */
export type NetBoot = {
  /** Of several servers a Mac prefers the highest; 16 bits. */
  priority: number
  /** The first that a Mac may have is its default. */
  images: readonly NetBootImage[]
}

export function netBootId(kind: (typeof netBootKinds)[number], isInstall: boolean, index: number): number {
  return ((isInstall ? 0x80 : 0) | netBootKinds.indexOf(kind)) * 2 ** 24 + index
}

/** A Mac, by its option 60: `AAPLBSDPC/i386/MacBookPro4,1`. */
export type NetBootClient = { architecture: string; model: string; mac?: Mac }

/** Undefined for what is no Mac that NetBoots. */
export function netBootClientOf({ message, mac }: Request): NetBootClient | undefined {
  const vendorClass = decodeText(message.options, Option.vendorClass)
  const [, architecture, model = ''] = /^AAPLBSDPC\/([^/]*)(?:\/(.*))?$/.exec(vendorClass ?? '') ?? []
  return architecture === undefined ? undefined : { architecture, model, ...(mac !== undefined && { mac }) }
}

/** Those that the Mac may have. */
export function netBootImagesFor({ images }: NetBoot, client: NetBootClient): NetBootImage[] {
  return images.filter(
    ({ architectures, models, macs }) =>
      (architectures?.includes(client.architecture) ?? true) &&
      (models?.some((pattern) => matches(pattern, client.model)) ?? true) &&
      (macs === undefined || (client.mac !== undefined && macs.includes(client.mac))),
  )
}

function matches(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern
}
