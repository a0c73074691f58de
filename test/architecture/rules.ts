/**
 * Which folder of src may import which (DESIGN.md, "Folders and who may import whom"), besides itself and `bytes`, the
 * bottom of everything. A folder that is not here may not exist. Tests may also import what they need to be one.
 */
export const folderImports: Record<string, readonly string[]> = {
  bytes: [],
  linux: [],
  programs: [],
  core: [],
  boot: ['core'],
  store: ['core'],
  net: ['linux'],
  image: ['core', 'linux', 'programs'],
  content: ['core', 'boot', 'image', 'linux', 'net', 'programs'],
  butterknife: ['core', 'image', 'content'],
  dhcp: ['core', 'boot', 'net', 'store'],
  importers: ['core', 'dhcp'],
  tftp: ['core', 'boot', 'net', 'content'],
  dns: ['core', 'net'],
  build: ['core', 'image', 'programs', 'rack', 'ramroot'],
  spread: ['core', 'image', 'net'],
  deploy: ['core', 'image', 'store'],
  timeline: ['core', 'store', 'deploy'],
  power: ['core'],
  mirror: ['core'],
  api: ['core', 'boot', 'deploy', 'timeline', 'image', 'build', 'power', 'store', 'content', 'butterknife', 'ramroot'],
  agent: ['core', 'image', 'spread', 'net', 'linux', 'programs'],
  ramdisk: ['core', 'programs'],
  ramroot: ['core', 'image', 'linux', 'programs', 'ramdisk'],
  rack: ['programs'],
}

/** Compositions: they join the parts, so they may import all of them; nothing else may import these. */
export const compositions = ['cli', ''] as const

/** These stand alone, even without `bytes`. */
export const importsNothing = ['bytes', 'linux', 'programs'] as const

/** Packages that one folder alone may use. */
export const packageOwners: Record<string, string> = { koffi: 'linux', 'node:dgram': 'net' }

/** Files that read no clock, no chance, no file and no socket; paths from src. */
export const pureFiles: readonly RegExp[] = [
  /^(boot|core|bytes)\//,
  /^dhcp\/(architecture|boot-options|classify|client-packet|client-settings|choose|decide|decision|describe-message|destination|dhcp-event|dhcp-site|expiry-queue|fit-options|format-message|identify|lease-table|make-name-service|make-site|message|net-boot|network-options|options?|relay|reply(?!-sender)|reservations|site-file|subnet-config)[a-z-]*\.ts$/,
  /^importers\//,
  /^dns\/(answer-cache|decide|foreign-answer|message-frames|message-layout|name-book|query|reply|reverse-name)\.ts$/,
  /^tftp\/(packet|decide)[a-z-]*\.ts$/,
]

/** What a pure file does not import. */
export const impureModules =
  /^(koffi|node:(fs|fs\/promises|net|dgram|http|https|dns|child_process|worker_threads|os|timers|timers\/promises|crypto|process))$/

/** What a pure file does not call. */
export const impureCalls =
  /\b(Date\.now\(|new Date\(\)|Math\.random\(|randomBytes\(|randomUUID\(|randomInt\(|performance\.now\(|process\.env\b|setTimeout\(|setInterval\()/

/** Signing, sealing and tokens are functions of their arguments, but for the ephemeral key a sealed text needs. */
export const mayUseCrypto = ['core/order.ts', 'core/seal.ts', 'boot/boot-token.ts'] as const

export const sizeWarnLines = 300
export const sizeLimitLines = 400
/** Tables of data, exempt from the size limit. */
export const dataFiles: readonly string[] = []
