/**
 * What an operation takes out of a tree. Paths are from the root, `*` stands for any part of one name. `files`: what is no
 * directory, at that place alone. `trees`: whatever is there, with all that is in it. `contents`: all that is no directory,
 * anywhere under it. `emptied`: the file stays, its content does not. `lines`: of text files, those that begin so.
 */
export type CleanUpOperation = {
  describe: string
  files?: readonly string[]
  trees?: readonly string[]
  contents?: readonly string[]
  emptied?: readonly string[]
  lines?: { files: string; beginWith: readonly string[] }
}

const interfaceFiles = 'etc/sysconfig/network-scripts/ifcfg-*'

const logs = [
  ...['*.log*', 'audit/*', 'btmp*', 'cron*', 'dmesg*', 'lastlog*', 'maillog*', 'mail/*', 'messages*', 'secure*'],
  ...['spooler*', 'tallylog*', 'wtmp*', 'debug*', 'syslog*', 'faillog*', 'firewalld*', 'grubby*', 'xferlog*', 'ntp'],
  ...['apache2/*_log', 'apache2/*_log-*', 'httpd/*log', 'tuned/tuned.log', 'BackupPC/LOG', 'ceph/*.log'],
  ...['chrony/*.log', 'cups/*_log*', 'glusterfs/*.log', 'jetty/jetty-console.log', 'libvirt/libvirtd.log'],
  ...['libvirt/libxl/*.log', 'libvirt/lxc/*.log', 'libvirt/qemu/*.log', 'libvirt/uml/*.log', 'ppp/connect-errors'],
  ...['setroubleshoot/*.log', 'squid/*.log', 'anaconda.syslog', 'anaconda/*', 'installer/*', 'sa/*', 'gdm/*'],
  ...['lightdm/*', 'ntpstats/*', 'apt/*', 'dpkg.log*', 'alternatives.log*', 'unattended-upgrades/*', 'sysstat/*'],
]

/**
 * By the names that virt-sysprep gives them (its sources, sysprep/sysprep_operation_*.ml, say what each removes); what is
 * removed of newer systems beside that stands with the operation that means it.
 */
export const cleanUpOperations = {
  'abrt-data': { describe: 'crash data of ABRT', trees: ['var/spool/abrt/*'] },
  'bash-history': { describe: 'what was typed into bash', files: ['root/.bash_history', 'home/*/.bash_history'] },
  'blkid-tab': {
    describe: 'what blkid remembers of disks',
    files: ['var/run', 'run/blkid', 'etc/blkid', 'etc', 'dev'].flatMap((place) => {
      const name = place === 'dev' ? '.blkid.tab' : 'blkid.tab'
      return [`${place}/${name}`, `${place}/${name}.old`]
    }),
  },
  'crash-data': { describe: 'kernel crash dumps', trees: ['var/crash/*', 'var/log/dump/*'] },
  'cron-spool': {
    describe: "users' cron and at jobs",
    contents: ['var/spool/cron', 'var/spool/at', 'var/spool/atjobs', 'var/spool/atspool'],
  },
  'dhcp-client-state': {
    describe: 'leases of DHCP clients',
    trees: ['var/lib/dhclient/*', 'var/lib/dhcp/*', 'var/lib/dhcpcd/*', 'var/lib/NetworkManager/*.lease'],
  },
  hostname: {
    describe: 'the name of the machine',
    files: ['etc/hostname'],
    lines: { files: 'etc/sysconfig/network', beginWith: ['HOSTNAME='] },
  },
  logfiles: {
    describe: 'log files, and what installers and desktops leave beside them',
    files: [
      ...logs.map((name) => `var/log/${name}`),
      ...['var/named/data/named.run', 'var/lib/logrotate.status', 'var/lib/logrotate/status'],
      ...['root/install.log', 'root/install.log.syslog', 'root/anaconda-ks.cfg', 'root/anaconda-post.log'],
      ...['root/initial-setup-ks.cfg', 'root/original-ks.cfg'],
    ],
    trees: [
      ...['var/log/journal/*', 'var/cache/gdm/*', 'var/lib/AccountsService/users/*', 'var/lib/fprint/*'],
      ...['var/cache/fontconfig/*', 'var/cache/man/*'],
    ],
  },
  'machine-id': {
    describe: 'the identity of the installation',
    emptied: ['etc/machine-id'],
    files: ['var/lib/dbus/machine-id'],
  },
  'mail-spool': { describe: 'mail that waits', trees: ['var/spool/mail/*', 'var/mail/*'] },
  'net-hostname': {
    describe: 'host names in the configuration of interfaces',
    lines: { files: interfaceFiles, beginWith: ['HOSTNAME=', 'DHCP_HOSTNAME='] },
  },
  'net-hwaddr': {
    describe: 'MAC addresses in the configuration of interfaces',
    lines: { files: interfaceFiles, beginWith: ['HWADDR='] },
  },
  'pacct-log': {
    describe: 'process accounting',
    files: ['var/account/pacct?*', 'var/log/account/pacct?*'],
    emptied: ['var/account/pacct', 'var/log/account/pacct'],
  },
  'package-manager-cache': {
    describe: 'packages that were downloaded',
    contents: ['var/cache/apt/archives', 'var/cache/dnf', 'var/cache/libdnf5', 'var/cache/yum', 'var/cache/zypp*'],
    files: ['var/cache/apt/*.bin'],
  },
  'puppet-data-log': {
    describe: 'data and logs of Puppet',
    files: ['var/log/puppet/*', 'var/lib/puppet/*/*', 'var/lib/puppet/*/*/*'],
  },
  'random-seed': {
    describe: 'the seed of the random generator, which must not be alike on two machines',
    files: [
      ...['var/lib/systemd/random-seed', 'var/lib/random-seed', 'var/lib/urandom/random-seed'],
      ...['var/lib/systemd/credential.secret', 'var/lib/NetworkManager/secret_key'],
    ],
  },
  'rpm-db': { describe: 'files of the RPM database that belong to one host', files: ['var/lib/rpm/__db.*'] },
  'ssh-hostkeys': { describe: 'SSH host keys', files: ['etc/ssh/*_host_*'] },
  'tmp-files': { describe: 'temporary files', trees: ['tmp/*', 'var/tmp/*'] },
  'udev-persistent-net': {
    describe: 'names that udev gave to network cards',
    files: ['etc/udev/rules.d/70-persistent-net.rules'],
  },
  utmp: { describe: 'who is logged in', files: ['var/run/utmp', 'run/utmp'] },
  'yum-uuid': { describe: 'the UUID of yum', files: ['var/lib/yum/uuid'] },
} as const satisfies Record<string, CleanUpOperation>

export type CleanUpName = keyof typeof cleanUpOperations
export const cleanUpNames = Object.keys(cleanUpOperations) as CleanUpName[]
