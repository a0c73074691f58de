import { type Mac, macToBytes } from '../bytes/mac.ts'
import type { Options } from '../dhcp/options.ts'
import { type Directive, splitParts, takeTags } from './dnsmasq-directive.ts'
import { dnsmasqOptionNames } from './dnsmasq-option.ts'
import { Unclear } from './old-server.ts'

/** Whether a line with these tags speaks to a client that has those; one without any does where `withoutAny` says so. */
export function isTagged(asked: readonly string[], tags: ReadonlySet<string>, withoutAny: boolean): boolean {
  if (asked.length === 0) return withoutAny
  return asked.every((tag) => (tag.startsWith('!') ? !tags.has(tag.slice(1)) : tags.has(tag)))
}

/** What dhcp-match, dhcp-vendorclass, dhcp-userclass and dhcp-mac make of a client. Throws Unclear. */
export function tagsOfClient(directives: readonly Directive[], mac: Mac, options: Options): Set<string> {
  const tags = new Set<string>()
  for (const { name, value } of directives) {
    const isHolding = matchers[name]
    if (!isHolding) continue
    const { sets, rest } = takeTags(splitParts(value))
    const [tag = rest.shift() ?? ''] = sets
    if (isHolding(rest, { mac, options })) tags.add(tag)
  }
  return tags
}

/** tag-if: what its sets add where all its tags hold, in the order of the file. */
export function addConditionalTags(directives: readonly Directive[], tags: Set<string>): void {
  for (const { name, value } of directives) {
    if (name !== 'tag-if') continue
    const { tags: asked, sets } = takeTags(splitParts(value))
    if (isTagged(asked, tags, true)) for (const tag of sets) tags.add(tag)
  }
}

/** `52:54:00:*:*:*`, perhaps with its hardware type before it. */
export function isMacPattern(pattern: string, mac: Mac): boolean {
  const parts = pattern.replace(/^[0-9a-f]+-/i, '').split(':')
  const bytes = macToBytes(mac)
  return parts.length === 6 && parts.every((part, at) => part === '*' || Number.parseInt(part, 16) === bytes[at])
}

type Asked = { mac: Mac; options: Options }

const matchers: Record<string, (parts: readonly string[], client: Asked) => boolean> = {
  'dhcp-mac': ([pattern = ''], { mac }) => isMacPattern(pattern, mac),
  'dhcp-vendorclass': (parts, client) => isOptionMatched('60', parts, client),
  'dhcp-userclass': (parts, client) => isOptionMatched('77', parts, client),
  'dhcp-match': ([option = '', ...values], client) => isOptionMatched(option, values, client),
}

/** Text may stand anywhere in the option, numbers at a multiple of their size (dnsmasq 2.90, match_bytes()). */
function isOptionMatched(option: string, values: readonly string[], { options }: Asked): boolean {
  const name = option.replace(/^option:/, '')
  const code = /^\d+$/.test(name) ? Number(name) : dnsmasqOptionNames[name]
  if (code === undefined) throw new Unclear(`no option ${option} is known by that name`)
  const bytes = options.get(code)
  if (!bytes) return false
  const sent = Buffer.from(bytes).toString('latin1')
  const [value] = values
  if (value === undefined || value === '') return true
  if (/^[0-9a-f]{1,2}(:[0-9a-f]{1,2})+$/i.test(value)) {
    return sent.startsWith(String.fromCharCode(...value.split(':').map((byte) => Number.parseInt(byte, 16))))
  }
  if (!values.every((each) => /^\d+$/.test(each))) return sent.includes(values.join(','))
  const sizeBytes = code === architectureCode ? 2 : 1
  const numbers = values.map(Number).flatMap((each) => (sizeBytes === 2 ? [each >> 8, each & 0xff] : [each]))
  const wanted = String.fromCharCode(...numbers)
  for (let at = 0; at + wanted.length <= sent.length; at += wanted.length) {
    if (sent.startsWith(wanted, at)) return true
  }
  return false
}

const architectureCode = 93
