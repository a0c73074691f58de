/** How an option's value is read by people and made by us; `bytes` where nothing simpler holds. */
export type OptionForm =
  | ('ipv4' | 'ipv4-list' | 'u8' | 'u16' | 'u16-list' | 'u32' | 'text' | 'bytes')
  /** Domain names (RFC 1035 §3.1), without compression. */
  | 'domain-list'
  /** RFC 3442. */
  | 'routes'

/** Option codes by name; each stands with its RFC section in `optionTable`. */
export const Option = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  nameServer: 6,
  hostName: 12,
  domainName: 15,
  rootPath: 17,
  interfaceMtu: 26,
  broadcastAddress: 28,
  ntpServer: 42,
  vendorSpecific: 43,
  requestedAddress: 50,
  leaseSeconds: 51,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  parameterRequestList: 55,
  message: 56,
  maximumMessageSize: 57,
  renewalSeconds: 58,
  rebindingSeconds: 59,
  vendorClass: 60,
  clientIdentifier: 61,
  tftpServerName: 66,
  bootFileName: 67,
  userClass: 77,
  relayAgentInformation: 82,
  clientArchitecture: 93,
  clientInterface: 94,
  clientMachineIdentifier: 97,
  subnetSelection: 118,
  domainSearch: 119,
  classlessRoutes: 121,
  etherboot: 175,
  end: 255,
} as const

export type OptionEntry = { name: string; form: OptionForm; source: string }

export const optionTable: ReadonlyMap<number, OptionEntry> = new Map<number, OptionEntry>([
  [Option.subnetMask, { name: 'subnet mask', form: 'ipv4', source: 'RFC 2132 §3.3' }],
  [2, { name: 'time offset', form: 'u32', source: 'RFC 2132 §3.4' }],
  [Option.router, { name: 'router', form: 'ipv4-list', source: 'RFC 2132 §3.5' }],
  [4, { name: 'time server', form: 'ipv4-list', source: 'RFC 2132 §3.6' }],
  [Option.nameServer, { name: 'name server', form: 'ipv4-list', source: 'RFC 2132 §3.8' }],
  [7, { name: 'log server', form: 'ipv4-list', source: 'RFC 2132 §3.9' }],
  [9, { name: 'line printer server', form: 'ipv4-list', source: 'RFC 2132 §3.11' }],
  [Option.hostName, { name: 'host name', form: 'text', source: 'RFC 2132 §3.14' }],
  [Option.domainName, { name: 'domain name', form: 'text', source: 'RFC 2132 §3.17' }],
  [Option.rootPath, { name: 'root path', form: 'text', source: 'RFC 2132 §3.19' }],
  [19, { name: 'IP forwarding', form: 'u8', source: 'RFC 2132 §4.1' }],
  [23, { name: 'default TTL', form: 'u8', source: 'RFC 2132 §4.5' }],
  [Option.interfaceMtu, { name: 'interface MTU', form: 'u16', source: 'RFC 2132 §5.1' }],
  [Option.broadcastAddress, { name: 'broadcast address', form: 'ipv4', source: 'RFC 2132 §5.3' }],
  [33, { name: 'static routes', form: 'ipv4-list', source: 'RFC 2132 §5.8' }],
  [40, { name: 'NIS domain', form: 'text', source: 'RFC 2132 §8.1' }],
  [41, { name: 'NIS servers', form: 'ipv4-list', source: 'RFC 2132 §8.2' }],
  [Option.ntpServer, { name: 'NTP server', form: 'ipv4-list', source: 'RFC 2132 §8.3' }],
  [Option.vendorSpecific, { name: 'vendor specific', form: 'bytes', source: 'RFC 2132 §8.4' }],
  [44, { name: 'NetBIOS name server', form: 'ipv4-list', source: 'RFC 2132 §8.5' }],
  [46, { name: 'NetBIOS node type', form: 'u8', source: 'RFC 2132 §8.7' }],
  [Option.requestedAddress, { name: 'requested address', form: 'ipv4', source: 'RFC 2132 §9.1' }],
  [Option.leaseSeconds, { name: 'lease seconds', form: 'u32', source: 'RFC 2132 §9.2' }],
  [Option.overload, { name: 'overload', form: 'u8', source: 'RFC 2132 §9.3' }],
  [Option.messageType, { name: 'message type', form: 'u8', source: 'RFC 2132 §9.6' }],
  [Option.serverIdentifier, { name: 'server identifier', form: 'ipv4', source: 'RFC 2132 §9.7' }],
  [Option.parameterRequestList, { name: 'parameter request list', form: 'bytes', source: 'RFC 2132 §9.8' }],
  [Option.message, { name: 'message', form: 'text', source: 'RFC 2132 §9.9' }],
  [Option.maximumMessageSize, { name: 'maximum message size', form: 'u16', source: 'RFC 2132 §9.10' }],
  [Option.renewalSeconds, { name: 'renewal seconds', form: 'u32', source: 'RFC 2132 §9.11' }],
  [Option.rebindingSeconds, { name: 'rebinding seconds', form: 'u32', source: 'RFC 2132 §9.12' }],
  [Option.vendorClass, { name: 'vendor class', form: 'text', source: 'RFC 2132 §9.13' }],
  [Option.clientIdentifier, { name: 'client identifier', form: 'bytes', source: 'RFC 2132 §9.14, RFC 6842' }],
  [Option.tftpServerName, { name: 'TFTP server name', form: 'text', source: 'RFC 2132 §9.4' }],
  [Option.bootFileName, { name: 'boot file name', form: 'text', source: 'RFC 2132 §9.5' }],
  [69, { name: 'SMTP server', form: 'ipv4-list', source: 'RFC 2132 §8.10' }],
  [Option.userClass, { name: 'user class', form: 'bytes', source: 'RFC 3004 §4; iPXE sends raw text' }],
  [Option.relayAgentInformation, { name: 'relay agent information', form: 'bytes', source: 'RFC 3046 §2' }],
  [Option.clientArchitecture, { name: 'client architecture', form: 'u16-list', source: 'RFC 4578 §2.1' }],
  [Option.clientInterface, { name: 'client interface', form: 'bytes', source: 'RFC 4578 §2.2' }],
  [Option.clientMachineIdentifier, { name: 'client machine identifier', form: 'bytes', source: 'RFC 4578 §2.3' }],
  [100, { name: 'POSIX time zone', form: 'text', source: 'RFC 4833 §2' }],
  [101, { name: 'TZ database time zone', form: 'text', source: 'RFC 4833 §2' }],
  [114, { name: 'captive portal', form: 'text', source: 'RFC 8910 §2.1' }],
  [116, { name: 'auto-configure', form: 'u8', source: 'RFC 2563 §2' }],
  [Option.subnetSelection, { name: 'subnet selection', form: 'ipv4', source: 'RFC 3011 §2' }],
  [Option.domainSearch, { name: 'domain search', form: 'domain-list', source: 'RFC 3397 §2' }],
  [Option.classlessRoutes, { name: 'classless routes', form: 'routes', source: 'RFC 3442' }],
  [150, { name: 'TFTP server address', form: 'ipv4-list', source: 'RFC 5859 §3' }],
  [Option.etherboot, { name: 'etherboot', form: 'bytes', source: 'iPXE src/include/ipxe/dhcp.h' }],
  [208, { name: 'PXELINUX magic', form: 'bytes', source: 'RFC 5071 §3' }],
  [209, { name: 'configuration file', form: 'text', source: 'RFC 5071 §4' }],
  [210, { name: 'path prefix', form: 'text', source: 'RFC 5071 §5' }],
  [211, { name: 'reboot time', form: 'u32', source: 'RFC 5071 §6' }],
  [252, { name: 'proxy autodiscovery', form: 'text', source: 'draft-ietf-wrec-wpad-01 §4.4.1' }],
])

/**
 * Options whose value may be longer than 255 bytes and is then sent in several parts (RFC 3396 §7): those that clients
 * join, and those that are echoed to a sender who has split them itself.
 */
export const splitOptions: ReadonlySet<number> = new Set([
  Option.vendorSpecific,
  Option.clientIdentifier,
  Option.relayAgentInformation,
  Option.clientMachineIdentifier,
  Option.domainSearch,
  Option.classlessRoutes,
])
