import { optionTable } from '../dhcp/option.ts'
import type { SettingsEntry } from '../dhcp/site-file.ts'
import type { Word } from './dhcpd-statement.ts'
import { isIpv4 } from './old-address.ts'

/** dhcpd's names for options (dhcp-options(5)), by code. */
export const dhcpdOptionCodes = new Map<string, number>([
  ['subnet-mask', 1],
  ['time-offset', 2],
  ['routers', 3],
  ['time-servers', 4],
  ['domain-name-servers', 6],
  ['log-servers', 7],
  ['lpr-servers', 9],
  ['host-name', 12],
  ['domain-name', 15],
  ['root-path', 17],
  ['extensions-path', 18],
  ['ip-forwarding', 19],
  ['default-ip-ttl', 23],
  ['interface-mtu', 26],
  ['broadcast-address', 28],
  ['static-routes', 33],
  ['nis-domain', 40],
  ['nis-servers', 41],
  ['ntp-servers', 42],
  ['vendor-encapsulated-options', 43],
  ['netbios-name-servers', 44],
  ['netbios-node-type', 46],
  ['dhcp-parameter-request-list', 55],
  ['vendor-class-identifier', 60],
  ['tftp-server-name', 66],
  ['bootfile-name', 67],
  ['user-class', 77],
  ['pxe-system-type', 93],
  ['pcode', 100],
  ['tcode', 101],
  ['domain-search', 119],
  ['tftp-server-address', 150],
  ['pxelinux.magic', 208],
  ['loader-configfile', 209],
  ['loader-pathprefix', 210],
  ['loader-reboottime', 211],
])

/** How the value of a defined option is written here. */
const formOfType: [type: RegExp, form: string][] = [
  [/^(array of )?ip-address$/, 'ip'],
  [/^(un)?signed integer 8$/, 'u8'],
  [/^(un)?signed integer 16$/, 'u16'],
  [/^(un)?signed integer 32$/, 'u32'],
  [/^boolean$/, 'u8'],
  [/^text$/, 'text'],
  [/^string$/, 'string'],
]

/** The options a dhcpd.conf speaks of: dhcpd's own, and those it defines by `option NAME code N = TYPE`. */
export class DhcpdOptions {
  readonly #defined = new Map<string, { code: number; form: string }>()

  /** Takes a definition; a sentence for one that has no counterpart, `false` for a statement that is none. */
  define(words: readonly Word[]): string | boolean {
    const [, name, code, number, equals, ...type] = words.map(({ text }) => text)
    if (code !== 'code' || equals !== '=' || name === undefined) return false
    const form = formOfType.find(([pattern]) => pattern.test(type.join(' ')))?.[1]
    if (form === undefined) return `an option of the type ${type.join(' ')} has no counterpart`
    this.#defined.set(name, { code: Number(number), form })
    return true
  }

  codeOf(name: string): number | undefined {
    return this.#defined.get(name)?.code ?? dhcpdOptionCodes.get(name)
  }

  /** What `option NAME VALUES` says; a sentence where it has no counterpart. */
  settingsOf([, named, ...words]: readonly Word[]): SettingsEntry | string {
    const name = named?.text ?? ''
    const code = this.codeOf(name)
    if (code === undefined) return `no option ${name} is known`
    const isList = words.some(({ text, isQuoted }) => text === ',' && !isQuoted)
    const values = words.filter(({ text, isQuoted }) => isQuoted || text !== ',').map(({ text }) => text)
    // all that is configured is said here, whether asked for or not
    if (code === 55) return {}
    if (values.some((text) => text === '(' || text === '=')) return 'a value that is computed has no counterpart'
    if (values.length > 1 && !isList && code !== 121) return `"${values.join(' ')}" is not one value`
    return (plainSettings[code] ?? ((given) => this.#other(name, code, given, words)))(values)
  }

  #other(name: string, code: number, values: readonly string[], words: readonly Word[]): SettingsEntry {
    const defined = this.#defined.get(name)
    const number = (text: string) => ({ true: '1', on: '1', false: '0', off: '0' })[text] ?? text
    if (defined && defined.form !== 'string') {
      return { options: { [code]: `${defined.form}:${values.map(number).join(',')}` } }
    }
    const [only = ''] = values
    if (!words[0]?.isQuoted && /^([0-9a-f]{1,2}:)+[0-9a-f]{1,2}$/i.test(only)) {
      const bytes = only.split(':').map((byte) => byte.padStart(2, '0'))
      return { options: { [code]: `hex:${bytes.join(':')}` } }
    }
    const plain = optionTable.get(code)?.form === 'u8' ? values.map(number) : values
    return { options: { [code]: plain.length === 1 ? plain[0]! : [...plain] } }
  }
}

function addresses(name: 'routers' | 'dns' | 'ntp') {
  return (values: readonly string[]): SettingsEntry | string =>
    values.every(isIpv4) ? { [name]: [...values] } : 'give addresses; names are not looked up'
}

/** Options that are settings of their own here, or the server's own business. */
const plainSettings: Record<number, (values: readonly string[]) => SettingsEntry | string> = {
  1: () => ({}),
  3: addresses('routers'),
  6: addresses('dns'),
  12: () => "a machine's host name is its name",
  15: ([domain = '']) => ({ domain }),
  28: () => ({}),
  42: addresses('ntp'),
  66: ([server = '']) => (isIpv4(server) ? { nextServer: server } : 'the TFTP server is given by its address here'),
  67: ([bootFile = '']) => ({ bootFile }),
}
