import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseBootVariables } from '../../src/agent/boot-loader/boot-order.ts'
import { parseSubvolume } from '../../src/agent/btrfs/subvolume.ts'
import { parseCommandLine } from '../../src/agent/command-line.ts'
import { parseSignature } from '../../src/agent/inventory/read-partition-table.ts'
import { drawFrame } from '../../src/agent/menu/frame.ts'
import { KeyDecoder } from '../../src/agent/menu/keys.ts'
import { unattendedChoice } from '../../src/agent/menu/unattended.ts'
import { identityText, securityText } from '../../src/agent/wipe/hdparm-output.fixture.ts'
import { parseHiddenSectors, parseIdentity, parseSanitizeStatus } from '../../src/agent/wipe/parse-hdparm.ts'
import { parseIdController, parseSanitizeLog } from '../../src/agent/wipe/parse-nvme.ts'
import { parseRecipe } from '../../src/build/recipe.ts'
import { parseNetwork } from '../../src/butterknife/networks.ts'
import { parseIpv4, parseSubnet } from '../../src/bytes/ipv4.ts'
import { parseMac } from '../../src/bytes/mac.ts'
import { parseUuid } from '../../src/bytes/uuid.ts'
import { decodeSealingKey } from '../../src/core/seal.ts'
import { YamlFileInvalid } from '../../src/core/yaml-file.ts'
import { makeSite } from '../../src/dhcp/make-site.ts'
import { parseSiteFile } from '../../src/dhcp/site-file.ts'
import { parseFstab } from '../../src/image/disk-image/fstab.ts'
import { importDhcpd } from '../../src/importers/dhcpd.ts'
import { StatementInvalid } from '../../src/importers/dhcpd-statement.ts'
import { importDnsmasq } from '../../src/importers/dnsmasq.ts'
import { parseEthers, parseHosts } from '../../src/importers/ethers.ts'
import type { ImportContext } from '../../src/importers/imported.ts'
import { parseModuleIndex } from '../../src/ramdisk/module-index.ts'
import type { FuzzTarget } from './fuzz.ts'

const fixtures = join(import.meta.dirname, '../fixtures/old-configurations')
const read = (path: string): Buffer => readFileSync(join(fixtures, path))

const facts = [{ interface: 'eth1', address: parseIpv4('10.0.0.1'), subnet: parseSubnet('10.0.0.0/24') }]
const siteFile = `interfaces: { eth1: { mode: authoritative } }
settings: { dns: [10.0.0.53], domain: rack.test, options: { 150: 10.0.0.9, ntp-server: 10.0.0.8 } }
subnets:
  - { subnet: 10.0.0.0/24, routers: [10.0.0.254], pools: [10.0.0.10-10.0.0.20], options: { 150: 10.0.0.7 } }
groups: { web: { leaseSeconds: 600 } }
classes: [{ name: arm, match: { architecture: [uefi-arm64, 19] }, bootFile: arm.efi }]
machines: { web1: { routes: [10.1.0.0/16 via 10.0.0.3] } }
`

function readSite(text: string): void {
  const parsed = parseSiteFile(text, 'site.yaml')
  const made = makeSite(parsed.content, facts, 4280)
  if ('problems' in made) parsed.refuse(made.problems)
}

const recipe = readFileSync(join(import.meta.dirname, '../../recipes/debian-minimal.yaml'))

/** A file that is named is the first one again, or empty. */
function importing(text: string): ImportContext {
  return {
    read: (path) => (path.endsWith('.conf') ? text : ''),
    list: () => ['a'],
    interfaces: { eth1: '10.20.0.1/24' },
  }
}
const hosts = parseHosts('10.20.0.11 node1\n')

const subvolume =
  'pool/a\n\tName: \t\ta\n\tUUID: \t\t12-34\n\tReceived UUID: \t-\n\tSubvolume ID: \t257\n\tFlags: \treadonly\n'

function target(name: string, seeds: readonly (string | Buffer)[], parse: (text: string) => unknown): FuzzTarget {
  const decode = (bytes: Buffer): unknown => parse(bytes.toString('utf8'))
  return { name, seeds: seeds.map((seed) => Buffer.from(seed)), decode, refusals: [YamlFileInvalid, StatementInvalid] }
}

/** YAML takes milliseconds. */
function slow(each: FuzzTarget): FuzzTarget {
  return { ...each, quickInputs: 200 }
}

/** Keys come in pieces of any length; whatever was typed is shown as text, and never as a sequence. */
function showKeys(text: string): void {
  const decoder = new KeyDecoder()
  const pieces = text.match(/[\s\S]{1,3}/g) ?? []
  const keys = [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.settle()]
  const typed = keys.map((key) => (key.kind === 'text' ? key.text : '')).join('')
  const drawn = drawFrame({ rows: [] }, { rows: [{ text: typed + text }] })
  const bare = drawn.replace(/\x1b\[(?:\d+;\d+H|0m|K|\?25l)/g, '')
  if (/[\x00-\x1f\x7f-\x9f]/.test(bare)) throw new Error(`a control character is shown: ${JSON.stringify(drawn)}`)
}

/** What people write, and what other programs print. */
export const textTargets: readonly FuzzTarget[] = [
  slow(target('parseSiteFile() and makeSite()', [siteFile], readSite)),
  slow(target('parseRecipe()', [recipe], (text) => parseRecipe(text, 'recipe.yaml'))),
  target('importDnsmasq()', [read('dnsmasq/dnsmasq.conf')], (text) => importDnsmasq('/dnsmasq.conf', importing(text))),
  target('importDhcpd()', [read('dhcpd/two-groups.conf'), read('dhcpd/pc-and-mac.conf')], (text) =>
    importDhcpd('/dhcpd.conf', importing(text)),
  ),
  target('parseEthers()', ['00:1b:21:aa:00:01 node1\n0:1b:21:aa:0:2 10.20.0.3\n# x\n'], (text) =>
    parseEthers('/etc/ethers', text, hosts),
  ),
  target('parseHosts()', ['10.20.0.11 node1 node1.cluster\n::1 localhost\n'], parseHosts),
  target(
    'parseCommandLine()',
    [
      'BOOT_IMAGE=x bootwright.server=http://10.0.0.1:4280 bootwright.token=abc BOOTIF=01-52-54-00-00-00-01 console=ttyS0,115200n8',
    ],
    parseCommandLine,
  ),
  target(
    'unattendedChoice()',
    [
      'bootwright.image=debian:current bootwright.disk=serial=S1,minBytes=5 bootwright.layout=reformat bootwright.again',
    ],
    unattendedChoice,
  ),
  target(
    'KeyDecoder and drawFrame()',
    ['1\x1b[A\x1b[5~\x1bOB\x1b[[Ayes\r\x1b', '\x1b[1;5A\x1b\x1b[\x7f\xff'],
    showKeys,
  ),
  target(
    'parseBootVariables()',
    ['BootCurrent: 0003\nBootOrder: 0003,0001\nBoot0001* debian\tHD(1,GPT)\nBoot0003* UEFI PXEv4\n'],
    parseBootVariables,
  ),
  target('parseSubvolume()', [subvolume], parseSubvolume),
  target('parseSignature()', ['DEVNAME=/dev/sda1\nUUID=1234-ABCD\nLABEL=a\\ b\nTYPE=vfat\n'], parseSignature),
  target('parseIdentity()', [identityText(securityText({}), '\t   *\tSANITIZE feature set\n')], parseIdentity),
  target(
    'parseSanitizeStatus()',
    ['    State:    SD2 Sanitize operation In Process\n    Progress: 0x41c2 (25%)\n'],
    parseSanitizeStatus,
  ),
  target('parseHiddenSectors()', [' max sectors   = 586070255/586072368, HPA is enabled\n'], parseHiddenSectors),
  target('parseIdController()', ['{"oacs":23,"sanicap":2684354562,"fna":0}'], parseIdController),
  target(
    'parseSanitizeLog()',
    ['Sanitize Progress (SPROG) :  655\nSanitize Status (SSTAT) :  0x2\n'],
    parseSanitizeLog,
  ),
  target(
    'parseFstab()',
    ['UUID=1234 / ext4 errors=remount-ro 0 1\n# x\nLABEL=a\\040b /home btrfs subvol=@home 0 0\n'],
    parseFstab,
  ),
  target(
    'parseModuleIndex()',
    ['kernel/a.ko: kernel/b.ko kernel/c.ko\nalias pci:v00008086d* a\nsoftdep a pre: b post: c\n'],
    (text) => parseModuleIndex({ dep: text, alias: text, softdep: text }),
  ),
  target('parseNetwork()', ['10.0.0.0/24', '2001:db8::/32'], parseNetwork),
  target('parseSubnet()', ['10.0.0.0/24'], parseSubnet),
  target('parseMac()', ['52:54:00:aa:bb:cc', '52-54-00-aa-bb-cc'], parseMac),
  target('parseUuid()', ['550e8400-e29b-41d4-a716-446655440000'], parseUuid),
  target('decodeSealingKey()', ['MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE='], decodeSealingKey),
]
