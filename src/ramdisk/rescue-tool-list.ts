/**
 * What a person who logs in to a machine, or a script that runs on it, has beside the agent's own tools: Debian packages and
 * what of them is taken. `bootwright ramdisk list` says what each costs; test/interop/ramdisk.test.ts keeps the budget.
 */
export const rescueTools: Readonly<Record<string, readonly string[]>> = {
  // Coming in, and going elsewhere from here. 0.4 MB with its libraries, where OpenSSH's server brings PAM and Kerberos
  'dropbear-bin': ['dropbear', 'dropbearkey', 'dbclient'],
  // Disks that are made of other disks
  mdadm: ['mdadm', 'mdmon'],
  lvm2: ['lvm'],
  dmsetup: ['dmsetup'],
  kpartx: ['kpartx'],
  'cryptsetup-bin': ['cryptsetup'],
  // Filesystems; Debian's kernel reads no NTFS by itself
  'ntfs-3g': ['ntfs-3g', 'ntfsfix', 'ntfsclone', 'ntfsinfo', 'ntfsresize', 'ntfsundelete'],
  exfatprogs: ['fsck.exfat', 'mkfs.exfat'],
  'nfs-common': ['mount.nfs'],
  // Disks, whole and broken
  fdisk: ['fdisk', 'cfdisk'],
  gdisk: ['gdisk', 'sgdisk'],
  parted: ['parted', 'partprobe'],
  smartmontools: ['smartctl'],
  gddrescue: ['ddrescue'],
  testdisk: ['testdisk', 'photorec'],
  // Files
  bash: ['bash'],
  tar: ['tar'],
  'xz-utils': ['xz'],
  zstd: ['zstd'],
  pigz: ['pigz'],
  rsync: ['rsync'],
  curl: ['curl'],
  jq: ['jq'],
  less: ['less'],
  nano: ['nano'],
  'vim-tiny': ['vim.tiny'],
  tmux: ['tmux'],
  pv: ['pv'],
  // The machine, its network, and what goes on there
  pciutils: ['lspci', 'setpci'],
  dmidecode: ['dmidecode'],
  ethtool: ['ethtool'],
  iproute2: ['ip', 'ss', 'bridge'],
  tcpdump: ['tcpdump'],
  strace: ['strace'],
  lsof: ['lsof'],
}

/** Other names of a program: symlinks beside it. */
export const rescueAliases: Readonly<Record<string, readonly string[]>> = {
  dbclient: ['ssh'],
  lvm: [
    ...['pvs', 'pvscan', 'pvdisplay', 'pvcreate', 'pvremove', 'pvresize', 'pvmove', 'pvchange', 'pvck'],
    ...['vgs', 'vgscan', 'vgdisplay', 'vgcreate', 'vgremove', 'vgextend', 'vgreduce', 'vgrename', 'vgchange', 'vgck'],
    ...['vgcfgbackup', 'vgcfgrestore', 'vgimport', 'vgexport', 'vgmknodes'],
    ...[
      'lvs',
      'lvscan',
      'lvdisplay',
      'lvcreate',
      'lvremove',
      'lvextend',
      'lvreduce',
      'lvresize',
      'lvrename',
      'lvchange',
    ],
    ...['lvconvert', 'lvmconfig', 'lvmdiskscan'],
  ],
  'ntfs-3g': ['mount.ntfs', 'mount.ntfs-3g'],
  'mount.nfs': ['mount.nfs4'],
  xz: ['unxz', 'xzcat'],
  zstd: ['unzstd', 'zstdcat'],
  pigz: ['unpigz'],
  'vim.tiny': ['vim', 'vi'],
}

/** Packages with data only, and those whose files the programs read: where they are, and where they belong. */
export const rescueFiles: readonly { package: string; from: string; to: string }[] = [
  { package: 'openssh-sftp-server', from: 'usr/lib/openssh/sftp-server', to: 'usr/lib/sftp-server' },
  {
    package: 'smartmontools',
    from: 'usr/share/smartmontools/drivedb.h',
    to: 'var/lib/smartmontools/drivedb/drivedb.h',
  },
  { package: 'pci.ids', from: 'usr/share/misc/pci.ids', to: 'usr/share/misc/pci.ids' },
  // tmux and editors want to know what a character is
  { package: 'libc-bin', from: 'usr/lib/locale/C.utf8/LC_CTYPE', to: 'usr/lib/locale/C.utf8/LC_CTYPE' },
  ...['d/dumb', 'l/linux', 's/screen', 's/screen-256color', 't/tmux', 't/tmux-256color', 'v/vt100', 'v/vt220'].map(
    terminal,
  ),
  ...['x/xterm', 'x/xterm-256color'].map(terminal),
]

function terminal(path: string) {
  return { package: 'ncurses-base', from: `lib/terminfo/${path}`, to: `usr/lib/terminfo/${path}` }
}

/** Its certificates, joined, are what programs believe. */
export const certificatesPackage = 'ca-certificates'

/** Drivers that the agent alone has no use for, as in module-rules.ts. */
export const rescueModules: readonly string[] = [
  'fs/exfat/',
  'fs/f2fs/',
  'fs/fuse/fuse',
  'fs/hfsplus/',
  'fs/jfs/',
  'fs/nfs/',
  'fs/ntfs3/',
  'fs/reiserfs/',
  'fs/udf/',
  // What encrypted disks are encrypted with; the quick forms are chosen by CPU
  'arch/x86/crypto/aesni-intel',
  'arch/x86/crypto/serpent-avx-x86_64',
  'arch/x86/crypto/sha512-ssse3',
  'arch/x86/crypto/twofish-x86_64',
  'arch/arm64/crypto/aes-arm64',
  'arch/arm64/crypto/aes-ce-blk',
  'arch/arm64/crypto/aes-neon-blk',
  'crypto/adiantum',
  'crypto/aes_generic',
  'crypto/aes_ti',
  'crypto/algif_hash',
  'crypto/algif_skcipher',
  'crypto/cbc',
  'crypto/ecb',
  'crypto/essiv',
  'crypto/lrw',
  'crypto/rmd160',
  'crypto/serpent_generic',
  'crypto/sha512_generic',
  'crypto/twofish_generic',
  'crypto/wp512',
  'crypto/xts',
]
