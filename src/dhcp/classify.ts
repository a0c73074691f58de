import { formatHex } from '../bytes/hex.ts'
import type { Firmware } from '../core/firmware.ts'
import { architectureTable } from './architecture.ts'
import type { Message } from './message.ts'
import { Option } from './option.ts'
import { decodeText, decodeU16List, type Options } from './options.ts'

/** What is asking. `because` names the options it was told by, for the decision's sentence. */
export type Classification =
  | { kind: 'firmware'; firmware: Firmware; because: string }
  /** Boot firmware that no loader of ours runs on; it gets an address. */
  | { kind: 'unsupported'; because: string }
  /** An operating system, or anything else that only wants an address. */
  | { kind: 'client'; because: string }

/** The boards' network cards; the boot ROM says architecture 0, as a BIOS PC does (raspberrypi/firmware#801). */
const raspberryPiOuis: ReadonlySet<string> = new Set(['b8:27:eb', 'dc:a6:32', 'e4:5f:01', '28:cd:c1', 'd8:3a:dd'])

/** Pure. Throws DecodeError when option 93 is not a list of numbers. */
export function classify({ options, chaddr, htype }: Message): Classification {
  const vendorClass = decodeText(options, Option.vendorClass) ?? ''
  const ipxe = detectIpxe(options)
  if (!ipxe && !/^(PXEClient|HTTPClient)/.test(vendorClass)) {
    return { kind: 'client', because: 'option 60 names no boot firmware' }
  }
  const { numbers, source } = architectureNumbers(options, vendorClass)
  const row = numbers.map((number) => architectureTable.get(number)).find((entry) => entry?.architecture)
  const because = `${source} = ${numbers.join(', ')}`
  if (!row?.architecture) {
    return { kind: 'unsupported', because: `${because}, which no loader here runs on` }
  }
  const { platform, architecture, over } = row
  if (ipxe?.speaksHttp) {
    return {
      kind: 'firmware',
      firmware: { kind: 'ipxe', platform, architecture },
      because: `${ipxe.because} (${because})`,
    }
  }
  if (!ipxe && (platform === 'rpi' || (platform === 'bios' && htype === 1 && isRaspberryPi(chaddr)))) {
    const firmware = { kind: 'raspberry-pi', platform: 'rpi', architecture: 'arm64' } as const
    return { kind: 'firmware', firmware, because: `${because} from a network card of a Raspberry Pi` }
  }
  const kind = over === 'http' ? 'uefi-http' : platform === 'bios' ? 'bios-pxe' : 'uefi-pxe'
  const why = ipxe ? `${because} and an iPXE without HTTP` : `${because} and no iPXE user class`
  return { kind: 'firmware', firmware: { kind, platform, architecture }, because: why }
}

function isRaspberryPi(chaddr: Uint8Array): boolean {
  return chaddr.length === 6 && raspberryPiOuis.has(formatHex(chaddr.subarray(0, 3), ':'))
}

/** First the client's list; where it sends none, the vendor class text; a PXE client that tells nothing is BIOS. */
function architectureNumbers(options: Options, vendorClass: string): { numbers: number[]; source: string } {
  const numbers = decodeU16List(options, Option.clientArchitecture)
  if (numbers && numbers.length > 0) return { numbers, source: 'option 93' }
  const inText = /:Arch:(\d{5})/.exec(vendorClass)?.[1]
  if (inText) return { numbers: [Number(inText)], source: 'no option 93, option 60 Arch' }
  return { numbers: [0], source: 'no option 93, taken' }
}

/** Sub-option of 175: iPXE lists its features, 1 for each it has. */
const featureHttp = 0x13

/**
 * iPXE says so in option 77, as raw text without RFC 3004's length bytes (or with them, from other builds), and sends
 * option 175 with its features. A ROM that lists features but not HTTP cannot fetch a script by URL.
 */
function detectIpxe(options: Options): { because: string; speaksHttp: boolean } | undefined {
  const userClass = options.get(Option.userClass)
  const features = options.get(Option.etherboot)
  const named = userClass !== undefined && Buffer.from(userClass).includes('iPXE')
  if (!named && !(features && features.length > 0)) return undefined
  const speaksHttp = features === undefined || features.length === 0 || hasSubOption(features, featureHttp)
  return { because: named ? 'iPXE asks: option 77 = iPXE' : 'iPXE asks: it sends option 175', speaksHttp }
}

/** Tolerant: sub-options that lead out of their option end the search. */
function hasSubOption(field: Uint8Array, wanted: number): boolean {
  for (let at = 0; at < field.length; ) {
    const code = field[at]!
    if (code === Option.pad) {
      at += 1
      continue
    }
    if (code === wanted) return true
    at += 2 + (field[at + 1] ?? field.length)
  }
  return false
}
