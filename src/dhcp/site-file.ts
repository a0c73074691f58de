import { type Static, Type } from 'typebox'
import { agentArchitectures } from '../core/agent-architecture.ts'
import { menuEntryNamePattern } from '../core/boot-menu.ts'
import { menuUsers } from '../core/console-menu.ts'
import { GroupClaim } from '../core/group-claim.ts'
import { LabelsSchema } from '../core/labels-schema.ts'
import { type LoaderName, loaderNames } from '../core/loader.ts'
import { machineNamePattern } from '../core/machine.ts'
import { unknownPolicies } from '../core/newcomer.ts'
import { webhookTerms } from '../core/webhook-terms.ts'
import { type CheckedFile, parseYamlFile } from '../core/yaml-file.ts'
import { netBootKinds } from './net-boot.ts'

const strict = { additionalProperties: false } as const
const Mac = Type.String({ pattern: '^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$' })
const label = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const Address = Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$' })
const OptionValue = Type.Union([
  Type.String(),
  Type.Number(),
  Type.Array(Type.Union([Type.String(), Type.Number()]), { minItems: 1 }),
])

/** What may be said at every layer. */
const settings = {
  routers: Type.Optional(Type.Array(Address)),
  dns: Type.Optional(Type.Array(Address)),
  ntp: Type.Optional(Type.Array(Address)),
  domain: Type.Optional(Type.String({ maxLength: 255 })),
  leaseSeconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 0xfffffffe })),
  /** `10.1.0.0/16 via 10.0.0.2`. */
  routes: Type.Optional(Type.Array(Type.String())),
  nextServer: Type.Optional(Address),
  bootFile: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  /** For iPXE, which gets no bootFile. */
  ipxeBootFile: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  /** A loader of your own, with its configuration, where nothing is ordered. */
  handMade: Type.Optional(Type.String({ minLength: 1, maxLength: 127 })),
  /** What firmware runs first, in place of iPXE. */
  loader: Type.Optional(Type.Enum([...loaderNames])),
  /** The tag that frames on the machines' ports need; the agent puts it on. */
  vlan: Type.Optional(Type.Integer({ minimum: 1, maximum: 4094 })),
  /** false: never answered. */
  answer: Type.Optional(Type.Boolean()),
  /** By name or code. */
  options: Type.Optional(Type.Record(Type.String(), OptionValue)),
}
const EntryName = Type.String({ pattern: menuEntryNamePattern })
const MenuPath = Type.String({ pattern: '^(?!.*\\.\\.)[\\w.+@-]+(/[\\w.+@-]+)*$', maxLength: 255 })
const MenuEntry = Type.Object(
  {
    name: EntryName,
    title: Type.String({ minLength: 1, maxLength: 70 }),
    /** This, or a kernel. */
    boot: Type.Optional(Type.Enum(['disk', 'agent'])),
    kernel: Type.Optional(MenuPath),
    initrds: Type.Optional(Type.Array(MenuPath)),
    arguments: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
  },
  strict,
)
const MenuEntries = Type.Object(
  {
    timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3000 })),
    /** An entry's name; the first one's where not given. */
    defaultEntry: Type.Optional(EntryName),
    entries: Type.Array(MenuEntry, { minItems: 1, maxItems: 30 }),
  },
  strict,
)

/** Who may have what written to a machine by choosing it at its console. */
const consoleMenu = Type.Optional(
  Type.Object(
    {
      who: Type.Optional(Type.Enum([...menuUsers])),
      /** All where not given. */
      images: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
      /** As `openssl passwd -6` writes it. */
      password: Type.Optional(Type.String({ pattern: '^\\$(6|y)\\$[!-~]{20,200}$' })),
    },
    { ...strict, minProperties: 1 },
  ),
)

/** Of everybody, a group or a machine: those that are known when a loader asks for its script. */
export const SettingsEntry = Type.Object({ ...settings, menu: Type.Optional(MenuEntries), consoleMenu }, strict)
export type SettingsEntry = Static<typeof SettingsEntry>

/** What machines that nobody has approved are given. */
const given = {
  /** `rack1-{number:3}`, `{product}-{serial}`, `{mac}`. */
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  /** The name of its address in the DNS, where it has one. */
  nameFromDns: Type.Optional(Type.Boolean()),
  labels: Type.Optional(LabelsSchema),
}
const unknown = Type.Optional(Type.Enum([...unknownPolicies]))
const newcomerSettings = {
  unknown,
  newcomers: Type.Optional(
    Type.Object({ ...given, group: Type.Optional(Type.String({ pattern: machineNamePattern })) }, strict),
  ),
}
const NewcomerSettings = Type.Object(newcomerSettings)
export type NewcomerSettings = Static<typeof NewcomerSettings>

/** For everybody. */
const EverybodyEntry = Type.Object({ ...SettingsEntry.properties, ...newcomerSettings }, strict)

const GroupEntry = Type.Object(
  {
    ...SettingsEntry.properties,
    /** Which machines that nobody has approved are the group's; any of them will do. */
    claims: Type.Optional(Type.Array(GroupClaim, { minItems: 1, maxItems: 256 })),
    /** Of these. */
    unknown,
    newcomers: Type.Optional(Type.Object(given, strict)),
  },
  strict,
)
export type GroupEntry = Static<typeof GroupEntry>

const InterfaceEntry = Type.Object(
  {
    mode: Type.Enum(['off', 'listen', 'proxy', 'authoritative']),
    /** How a `listen` interface would answer. */
    as: Type.Optional(Type.Enum(['proxy', 'authoritative'])),
    /** Serve although the interface's own address came from DHCP. */
    evenIfDynamic: Type.Optional(Type.Boolean()),
  },
  strict,
)
export type InterfaceEntry = Static<typeof InterfaceEntry>

const ReservationEntry = Type.Object(
  {
    /** One of the two. */
    mac: Type.Optional(Mac),
    /** Option 61: `hex:01 …` or `text:…`. */
    clientId: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    address: Address,
    /** The client is told that it is its host name. */
    name: Type.Optional(Type.String({ pattern: `^${label}$` })),
  },
  strict,
)
export type ReservationEntry = Static<typeof ReservationEntry>

const SubnetEntry = Type.Object(
  {
    subnet: Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$' }),
    /** Through which it is reached, where that is not the interface that has an address in it. */
    interface: Type.Optional(Type.String()),
    /** `10.0.0.100-10.0.0.200`. */
    pools: Type.Optional(Type.Array(Type.String({ pattern: '^[\\d.]+(-[\\d.]+)?$' }))),
    reservations: Type.Optional(Type.Array(ReservationEntry)),
    ...newcomerSettings,
    bootp: Type.Optional(Type.Enum(['ignore', 'reserved', 'dynamic'])),
    probeMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    consoleMenu,
    ...settings,
  },
  strict,
)
export type SubnetEntry = Static<typeof SubnetEntry>

const ClassEntry = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    match: Type.Object(
      {
        vendorClass: Type.Optional(Type.String({ minLength: 1 })),
        userClass: Type.Optional(Type.String({ minLength: 1 })),
        /** Names (`uefi-arm64`) or option 93's numbers. */
        architecture: Type.Optional(Type.Array(Type.Union([Type.String(), Type.Integer()]), { minItems: 1 })),
        oui: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){2}$' }))),
      },
      { ...strict, minProperties: 1 },
    ),
    ...settings,
  },
  strict,
)
export type ClassEntry = Static<typeof ClassEntry>

const FilesEntry = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object(
    {
      directory: Type.String({ minLength: 1 }),
      /** Where else its symbolic links may lead. */
      alsoBelow: Type.Optional(Type.Array(Type.String({ pattern: '^/' }))),
      /** What old configurations put in front of a path of it: `/var/lib/tftpboot`. */
      oldRoots: Type.Optional(Type.Array(Type.String({ pattern: '^/.' }))),
    },
    strict,
  ),
])

const NetBootEntry = Type.Object(
  {
    /** Of several servers a Mac prefers the highest. */
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffff })),
    /** The first that a Mac may have is its default. */
    images: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, maxLength: 200 }),
          index: Type.Integer({ minimum: 1, maximum: 0xffff }),
          kind: Type.Optional(Type.Enum([...netBootKinds])),
          install: Type.Optional(Type.Boolean()),
          bootFile: Type.String({ minLength: 1, maxLength: 127 }),
          rootPath: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
          /** `i386`, `ppc`. */
          architectures: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
          /** `MacBookPro4,1`, `iMac*`. */
          models: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
          macs: Type.Optional(Type.Array(Mac, { minItems: 1 })),
        },
        strict,
      ),
      { minItems: 1 },
    ),
  },
  strict,
)
export type NetBootEntry = Static<typeof NetBootEntry>

const NamesEntry = Type.Object(
  {
    domain: Type.String({ pattern: `^${label}(\\.${label})*$`, maxLength: 190 }),
    /** Servers for all other names: addresses, with `:PORT` where that is not 53. */
    forward: Type.Optional(
      Type.Array(Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}(:\\d{1,5})?$' }), { maxItems: 8 }),
    ),
    /** Where not on all that are answered. */
    interfaces: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    /** Of what gets no address here: `{ gateway: 10.0.0.254 }`. */
    addresses: Type.Optional(Type.Record(Type.String({ pattern: `^${label}$` }), Address)),
  },
  strict,
)
export type NamesEntry = Static<typeof NamesEntry>

const WebhookEntry = Type.Object(
  {
    ...webhookTerms,
    /** What its first line says is the key of the signatures. */
    secretFile: Type.Optional(Type.String({ minLength: 1 })),
  },
  strict,
)
export type WebhookEntry = Static<typeof WebhookEntry>

/** How much of the timeline is kept; what is older or more is removed. */
const EventsEntry = Type.Object(
  {
    keepDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
    keepCount: Type.Optional(Type.Integer({ minimum: 1000, maximum: 1_000_000_000 })),
  },
  strict,
)
export type EventsEntry = Static<typeof EventsEntry>

/** Of machines that are rescued. */
const RescueEntry = Type.Object(
  {
    /** Who may log in to each of them by SSH. */
    sshKeys: Type.Optional(
      Type.Array(Type.String({ pattern: '^(ssh|ecdsa|sk)-[^\\n\\r]+$', maxLength: 8192 }), { maxItems: 256 }),
    ),
    /** Of root's password at the console, as `mkpasswd` or `openssl passwd -6` makes it. */
    passwordHash: Type.Optional(Type.String({ pattern: '^\\$\\w+\\$[./\\w$,=-]+$', maxLength: 512 })),
  },
  strict,
)

export const SiteFile = Type.Object(
  {
    /** The operator's own files, read only, at the top of the tree that TFTP and HTTP serve. */
    files: Type.Optional(FilesEntry),
    /** Of the machines, where the agent is to run; x64 alone where not given. */
    architectures: Type.Optional(Type.Array(Type.Enum([...agentArchitectures]), { minItems: 1, uniqueItems: true })),
    interfaces: Type.Record(Type.String(), InterfaceEntry, { minProperties: 1 }),
    /** For everybody. */
    settings: Type.Optional(EverybodyEntry),
    subnets: Type.Optional(Type.Array(SubnetEntry)),
    groups: Type.Optional(Type.Record(Type.String(), GroupEntry)),
    classes: Type.Optional(Type.Array(ClassEntry)),
    /** Apple NetBoot. */
    netBoot: Type.Optional(NetBootEntry),
    machines: Type.Optional(Type.Record(Type.String(), SettingsEntry)),
    /** DNS for the names of machines and reservations; it is off where this is not given. */
    names: Type.Optional(NamesEntry),
    /** Other programs that are told what happens. */
    webhooks: Type.Optional(Type.Array(WebhookEntry, { maxItems: 16 })),
    events: Type.Optional(EventsEntry),
    /** What the link takes of the agent's ramdisk, bytes per second; measured where not given. */
    ramdiskRate: Type.Optional(Type.Integer({ minimum: 10_000 })),
    /** How many machines load it at once. */
    maximumRamdisks: Type.Optional(Type.Integer({ minimum: 1 })),
    rescue: Type.Optional(RescueEntry),
  },
  strict,
)
export type SiteFile = Static<typeof SiteFile>

/** Whether anybody's settings name that loader. */
export function namesLoader(site: SiteFile, loader: LoaderName): boolean {
  const { settings, subnets = [], groups = {}, classes = [], machines = {} } = site
  const entries = [settings, ...subnets, ...Object.values(groups), ...classes, ...Object.values(machines)]
  return entries.some((entry) => entry?.loader === loader)
}

/** `path` only names it in errors. Throws YamlFileInvalid. */
export function parseSiteFile(text: string, path: string): CheckedFile<SiteFile> {
  return parseYamlFile(SiteFile, { kind: 'site file', path, text })
}
