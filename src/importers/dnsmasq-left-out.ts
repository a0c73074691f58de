/** Why a directive is not taken over, whatever its value; undefined where it is. */
export function whyLeftOut(name: string): string | undefined {
  if (taken.has(name)) return undefined
  return reasons.find(([names]) => names.test(name))?.[1] ?? 'it is not known here'
}

/** Taken over, or meaning what is the case here anyway. */
const taken = new Set([
  ...[
    'interface',
    'except-interface',
    'no-dhcp-interface',
    'listen-address',
    'bind-interfaces',
    'bind-dynamic',
    'port',
    ...['server', 'local', 'no-resolv', 'resolv-file', 'no-hosts', 'expand-hosts', 'domain-needed'],
  ],
  ...[
    'dhcp-range',
    'dhcp-host',
    'dhcp-hostsfile',
    'read-ethers',
    'addn-hosts',
    'domain',
    'dhcp-match',
    'dhcp-vendorclass',
  ],
  ...['dhcp-userclass', 'dhcp-mac', 'dhcp-option', 'dhcp-option-force', 'dhcp-boot', 'pxe-service', 'dhcp-ignore'],
  ...['bootp-dynamic', 'enable-tftp', 'tftp-root', 'dhcp-authoritative', 'dhcp-no-override', 'tftp-no-blocksize'],
])

const reasons: [names: RegExp, reason: string][] = [
  [
    /^(address|cname|host-record|ptr-record|srv-host|txt-record|mx-|naptr-|caa-|dns-rr|interface-name|rev-server|auth-)/,
    'names are of machines, reservations and names.addresses here, and have one address each',
  ],
  [
    /^(no-poll|strict-order|all-servers|bogus-|filterwin2k|rebind-|stop-dns|cache-size|.*-ttl|dnssec|trust-anchor)/,
    'how names are asked for is not set here',
  ],
  [
    /^(log-|user$|group$|pid-file|no-daemon|keep-in-foreground|dhcp-leasefile|leasefile-ro|dhcp-lease-max|conf-script|quiet-)/,
    'how the old service ran does not concern the new one',
  ],
  [/^pxe-prompt$/, 'there is no prompt: what a machine boots is decided on the server'],
  [/^(enable-ra|ra-param|dhcp-duid|slaac)/, 'IPv6 has no counterpart'],
  [/^(tftp-|dhcp-script|dhcp-luascript|script-)/, 'it has no counterpart'],
]
