import type { Mac } from '../bytes/mac.ts'
import type { SettingsEntry } from '../dhcp/site-file.ts'
import { readBoot, readPxeService } from './dnsmasq-boot.ts'
import { type Directive, parseLeaseSeconds, readDirectives, splitParts, takeTags } from './dnsmasq-directive.ts'
import { readDnsmasqHost } from './dnsmasq-host.ts'
import { whyLeftOut } from './dnsmasq-left-out.ts'
import { readNames } from './dnsmasq-names.ts'
import { networkOfRange } from './dnsmasq-network.ts'
import { settingsOfOption } from './dnsmasq-option.ts'
import { type Audience, DnsmasqTags } from './dnsmasq-tags.ts'
import { parseEthers, parseHosts } from './ethers.ts'
import { hostLabel } from './host-name.ts'
import type { ImportContext, Imported, ImportedHost } from './imported.ts'
import { mergeSettings, SiteDraft } from './site-draft.ts'

/** dnsmasq's own lease time (`--dhcp-range` in its manual page). */
const usualLeaseSeconds = 3600

/**
 * A dnsmasq.conf and all it names, as dnsmasq 2.90 understands it. What has no counterpart is in `notTaken`. Throws what
 * the file system throws.
 */
export function importDnsmasq(path: string, context: ImportContext): Imported {
  return new DnsmasqImport(path, context).run()
}

class DnsmasqImport {
  readonly #context: ImportContext
  readonly #draft = new SiteDraft()
  readonly #tags = new DnsmasqTags()
  readonly #directives: Directive[]

  constructor(path: string, context: ImportContext) {
    this.#context = context
    this.#directives = readDirectives(path, context, this.#draft.notTaken)
  }

  run(): Imported {
    this.#interfaces()
    this.#draft.settings.leaseSeconds = usualLeaseSeconds
    this.#each('dhcp-range', (line) => this.#range(line))
    this.#each('domain', ({ value }) => this.#domain(value))
    this.#draft.names = readNames(this.#directives, this.#hosts(), this.#context, this.#draft)
    for (const name of ['dhcp-match', 'dhcp-vendorclass', 'dhcp-userclass', 'dhcp-mac']) {
      this.#each(name, (line) => this.#tags.addMatch(line))
    }
    this.#defaults()
    this.#settings()
    this.#each('dhcp-ignore', (line) => this.#ignore(line))
    this.#each('bootp-dynamic', (line) => this.#bootpDynamic(line))
    this.#each('tftp-root', ({ value }) => this.#files(value))
    this.#leaveOutTheRest()
    return this.#draft.finish()
  }

  #of(name: string): Directive[] {
    return this.#directives.filter((directive) => directive.name === name)
  }

  /** `take` gives a sentence for what it cannot take, and so does what it throws. */
  #each(name: string, take: (line: Directive) => string | undefined): void {
    for (const line of this.#of(name)) {
      try {
        const problem = take(line)
        if (problem !== undefined) this.#draft.leaveOut(line, problem)
      } catch (error) {
        this.#draft.leaveOut(line, (error as Error).message)
      }
    }
  }

  #interfaces(): void {
    const names = this.#of('interface').flatMap(({ value }) => splitParts(value))
    const without = new Set(
      [...this.#of('except-interface'), ...this.#of('no-dhcp-interface')].map(({ value }) => value),
    )
    this.#draft.interfaces.push(...names.filter((name) => name !== 'lo' && !without.has(name)))
  }

  /** The address clients know dnsmasq by. */
  get #serverAddress(): string | undefined {
    const [listen] = this.#of('listen-address').flatMap(({ value }) => splitParts(value))
    const own = this.#draft.interfaces.map((name) => this.#context.interfaces[name]).find((each) => each !== undefined)
    return this.#context.serverAddress ?? listen ?? own?.split('/')[0]
  }

  #range({ value }: Directive): string | undefined {
    const { tags, sets, rest } = takeTags(splitParts(value))
    if (tags.length > 0) return 'a range for some tags only has no counterpart'
    const [first = '', last = '', ...more] = rest
    if (first.includes(':') || last.includes(':')) return 'IPv6 has no counterpart'
    const mask = more.find((part) => /^255\.[\d.]+$/.test(part))
    const subnet = this.#draft.subnet(networkOfRange(first, mask, this.#context.interfaces))
    for (const tag of sets) this.#tags.addSubnet(tag, subnet.subnet)
    if (last === 'proxy') this.#draft.mode = 'proxy'
    else if (last === 'static') {
      subnet.pools ??= []
      subnet.unknown = 'ignore'
    } else {
      subnet.pools = [...(subnet.pools ?? []), `${first}-${/^[\d.]+$/.test(last) ? last : first}`]
      delete subnet.unknown
    }
    const leaseSeconds = more.map(parseLeaseSeconds).find((each) => each !== undefined)
    if (leaseSeconds !== undefined) subnet.leaseSeconds = leaseSeconds
    return undefined
  }

  #domain(value: string): string | undefined {
    const [domain = '', ...where] = splitParts(value)
    if (where.length > 0) {
      mergeSettings(this.#draft.subnet(where[0]!), { domain })
    } else mergeSettings(this.#draft.settings, { domain })
    return undefined
  }

  /** Returns the names and addresses of /etc/hosts. */
  #hosts(): ReadonlyMap<string, string> {
    const names = parseHosts(this.#textOf(['/etc/hosts', ...this.#of('addn-hosts').map(({ value }) => value)]))
    const ethersFile = '/etc/ethers'
    const ethers =
      this.#of('read-ethers').length > 0 ? parseEthers(ethersFile, this.#textOf([ethersFile]), names) : undefined
    this.#draft.notTaken.push(...(ethers?.notTaken ?? []))
    const macs = new Map((ethers?.hosts ?? []).map((host) => [host.name, host.macs[0]]))
    const lookup = {
      addressOf: (name: string) => names.get(name),
      macOf: (name: string) => macs.get(hostLabel(name) ?? ''),
    }
    const given = this.#directives.filter(({ name }) => name === 'dhcp-host')
    const said = [...given, ...this.#hostsFiles()].map((line) => ({ line, host: readDnsmasqHost(line, lookup) }))
    const lastOf = new Map(said.flatMap(({ line, host }) => macsSaid(host).map((mac) => [mac, line] as const)))
    for (const { line, host } of said) {
      const last = macsSaid(host)
        .map((mac) => lastOf.get(mac)!)
        .find((each) => each !== line)
      const again = last && `its MAC is said again in ${last.file}:${last.line}, which holds`
      const problem = again ?? (typeof host === 'string' ? host : this.#addHost(host))
      if (problem !== undefined) this.#draft.leaveOut(line, problem)
    }
    for (const host of ethers?.hosts ?? []) {
      const problem = macs.size > 0 ? this.#draft.addHost(host) : undefined
      const text = `${host.macs[0]} ${host.name}`
      const isSaidBefore = given.some(({ value }) => value.includes(host.name))
      if (problem !== undefined && !isSaidBefore) this.#draft.leaveOut({ ...host.place, text }, problem)
    }
    return names
  }

  #addHost(host: ImportedHost): string | undefined {
    if (host.group !== undefined) this.#tags.addHost(host.group)
    return this.#draft.addHost(host)
  }

  /** Lines of a dhcp-hostsfile are those of dhcp-host without its name. */
  #hostsFiles(): Directive[] {
    return this.#of('dhcp-hostsfile').flatMap(({ value: file }) =>
      this.#textOf([file])
        .split('\n')
        .flatMap((raw, index) => {
          const value = raw.replace(/#.*$/, '').trim()
          return value === '' ? [] : [{ file, line: index + 1, name: 'dhcp-host', value, text: value }]
        }),
    )
  }

  #textOf(files: readonly string[]): string {
    return files
      .map((file) => {
        try {
          return this.#context.read(file)
        } catch (error) {
          this.#draft.leaveOut({ file, line: 0, text: file }, `it cannot be read: ${(error as Error).message}`)
          return ''
        }
      })
      .join('\n')
  }

  /** What dnsmasq tells clients without being asked: itself as router and DNS server, which is so here where it is one. */
  #defaults(): void {
    const address = this.#serverAddress
    if (this.#draft.mode === 'proxy') return
    const tellsDns = this.#draft.names === undefined && !this.#of('port').some(({ value }) => value === '0')
    const tells = tellsDns ? ['routers', 'dns'] : ['routers']
    if (address === undefined) {
      const place = { ...this.#directives[0]!, text: 'dhcp-range' }
      this.#draft.leaveOut(
        place,
        `it makes dnsmasq itself the clients' ${tells.join(' and ')}: say its address with --server-address`,
      )
    } else for (const name of tells) mergeSettings(this.#draft.settings, { [name]: [address] })
  }

  /** dhcp-option, dhcp-boot and pxe-service, each to those it speaks to; later lines win, as they do in dnsmasq. */
  #settings(): void {
    const readers: Record<string, (parts: readonly string[]) => SettingsEntry | string> = {
      'dhcp-option': (parts) => settingsOfOption(parts, this.#serverAddress),
      'dhcp-option-force': (parts) => settingsOfOption(parts, this.#serverAddress),
      'dhcp-boot': readBoot,
    }
    const isNegated = ({ value }: Directive) => Number(/(^|,)(tag|net):[!#]/.test(value))
    const lines = this.#directives.filter(({ name }) => name in readers).sort((a, b) => isNegated(b) - isNegated(a))
    for (const line of lines) {
      const { tags, rest } = takeTags(splitParts(line.value))
      const settings = readers[line.name]!(rest)
      const audience = this.#tags.audienceOf(tags)
      const problem = typeof settings === 'string' ? settings : typeof audience === 'string' ? audience : undefined
      if (problem !== undefined) this.#draft.leaveOut(line, problem)
      else this.#say(audience as Audience, settings as SettingsEntry)
    }
    this.#each('pxe-service', (line) => readPxeService(line, this.#draft))
  }

  #say(audience: Audience, settings: SettingsEntry): void {
    const { kind } = audience
    if (kind === 'everybody') mergeSettings(this.#draft.settings, settings)
    else if (kind === 'subnet') mergeSettings(this.#draft.subnet(audience.subnet), settings)
    else if (kind === 'group') mergeSettings(this.#draft.group(audience.group), settings)
    else for (const match of audience.matches) this.#draft.classes.push({ name: audience.name, match, ...settings })
  }

  #ignore({ value }: Directive): string | undefined {
    const { tags, rest } = takeTags(splitParts(value))
    if (rest.length > 0) return 'it is not of the form tag:TAG'
    if (tags.join() === '!known') {
      this.#draft.isUnknownIgnored = true
      return undefined
    }
    const audience = this.#tags.audienceOf(tags)
    if (typeof audience === 'string') return audience
    if (audience.negated.length > 0) return 'who is spared cannot be said; say who is ignored'
    this.#say(audience, { answer: false })
    return undefined
  }

  #bootpDynamic({ value }: Directive): string | undefined {
    if (value !== '') return 'for some tags only it has no counterpart'
    for (const subnet of this.#draft.subnets) subnet.bootp = 'dynamic'
    return undefined
  }

  #files(value: string): string | undefined {
    const [directory = '', on] = splitParts(value)
    if (on !== undefined) return 'one directory is served, whatever the interface'
    this.#draft.files = directory
    return undefined
  }

  #leaveOutTheRest(): void {
    for (const line of this.#directives) {
      const reason = whyLeftOut(line.name)
      if (reason !== undefined) this.#draft.leaveOut(line, reason)
    }
  }
}

function macsSaid(host: ImportedHost | string): readonly Mac[] {
  return typeof host === 'string' ? [] : host.macs
}
