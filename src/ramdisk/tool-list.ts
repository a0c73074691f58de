/** Debian packages and what of them the agent runs; libraries follow by what each program names as needed. */
export const tools: Readonly<Record<string, readonly string[]>> = {
  'busybox-static': ['busybox'],
  kmod: ['kmod'],
  fdisk: ['sfdisk'],
  'util-linux': ['blkid', 'blkdiscard', 'blockdev', 'lsblk', 'wipefs', 'partx', 'mkswap'],
  // A shell on a console gets a terminal of its own: when the owner of a console's terminal ends, the kernel hangs that up.
  bsdutils: ['script'],
  mount: ['mount', 'umount', 'losetup'],
  e2fsprogs: ['mke2fs', 'e2fsck', 'resize2fs', 'tune2fs'],
  coreutils: ['cp'],
  'btrfs-progs': ['btrfs', 'mkfs.btrfs', 'btrfstune'],
  xfsprogs: ['mkfs.xfs', 'xfs_repair', 'xfs_growfs', 'xfs_io', 'xfs_db'],
  dosfstools: ['mkfs.fat', 'fsck.fat'],
  'kexec-tools': ['kexec'],
  efibootmgr: ['efibootmgr'],
  'openssh-client': ['ssh-keygen'],
  hdparm: ['hdparm'],
  'nvme-cli': ['nvme'],
  'sg3-utils': ['sg_sanitize', 'sg_format'],
}

/** Packages with libraries only: Node's own, and those that are loaded by name at run time (NSS). */
export const libraryPackages: readonly string[] = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1']

/** Libraries nobody names as needed but glibc opens by name: host names, and thread cancellation. */
export const openedLibraries: readonly string[] = ['libnss_files.so.2', 'libnss_dns.so.2', 'libgcc_s.so.1']

/** Other names of a program: symlinks beside it. */
export const aliases: Readonly<Record<string, readonly string[]>> = {
  kmod: ['modprobe', 'modinfo', 'lsmod', 'insmod', 'rmmod', 'depmod'],
  mke2fs: ['mkfs.ext4', 'mkfs.ext3', 'mkfs.ext2'],
  e2fsck: ['fsck.ext4', 'fsck.ext3', 'fsck.ext2'],
  'mkfs.fat': ['mkfs.vfat', 'mkdosfs'],
  'fsck.fat': ['fsck.vfat'],
}
