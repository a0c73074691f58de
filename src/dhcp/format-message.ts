import { formatHex } from '../bytes/hex.ts'
import { formatIpv4, ipv4FromBytes } from '../bytes/ipv4.ts'
import { printable } from '../bytes/printable.ts'
import { broadcastFlag, type Message } from './message.ts'
import { formatMessageType } from './message-type.ts'
import { Option, type OptionForm, optionTable } from './option.ts'
import { decodeU8 } from './options.ts'

/** A message as lines of text in the order of the wire, for people with a packet capture open. Safe to print. */
export function formatMessage(message: Message): string {
  const { options } = message
  const lines = [
    `${formatMessageType(decodeU8(options, Option.messageType))} xid ${message.xid.toString(16).padStart(8, '0')}`,
    `  op ${message.op} htype ${message.htype} hops ${message.hops} secs ${message.secs} flags ${formatFlags(message.flags)}`,
    `  ciaddr ${formatIpv4(message.ciaddr)} yiaddr ${formatIpv4(message.yiaddr)}`,
    `  siaddr ${formatIpv4(message.siaddr)} giaddr ${formatIpv4(message.giaddr)}`,
    `  chaddr ${formatHex(message.chaddr, ':')}`,
    `  sname ${quote(message.sname)} file ${quote(message.file)}`,
  ]
  for (const [code, value] of options) lines.push(`  ${formatOption(code, value)}`)
  return `${lines.join('\n')}\n`
}

function formatOption(code: number, value: Uint8Array): string {
  const entry = optionTable.get(code)
  return `${code} ${entry?.name ?? 'unknown'}: ${formatValue(entry?.form ?? 'bytes', value)}`
}

function formatFlags(flags: number): string {
  return flags & broadcastFlag ? 'broadcast' : flags.toString(16).padStart(4, '0')
}

/** A value that has not the length of its form is shown as bytes. */
function formatValue(form: OptionForm, value: Uint8Array): string {
  if (form === 'text') return quote(Buffer.from(value).toString('latin1'))
  const width = widths[form]
  if (width === undefined || value.length === 0 || value.length % width !== 0) return formatHex(value)
  const items: string[] = []
  for (let at = 0; at < value.length; at += width) {
    items.push(width === 4 && form !== 'u32' ? formatIpv4(ipv4FromBytes(value, at)) : formatNumber(value, at, width))
  }
  return items.join(' ')
}

const widths: Partial<Record<OptionForm, number>> = { ipv4: 4, 'ipv4-list': 4, u8: 1, u16: 2, 'u16-list': 2, u32: 4 }

function formatNumber(value: Uint8Array, at: number, width: number): string {
  return String(Buffer.from(value.buffer, value.byteOffset).readUIntBE(at, width))
}

function quote(text: string): string {
  return `"${printable(text)}"`
}
