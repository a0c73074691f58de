# Read by init: what makes the root this machine's own. The files come sealed from the server (deploy/ramroot-files.ts); what of them
# is right for the version is decided here, where the version can be looked at. Everything is written by a program whose root is the
# new one, so that no symbolic link of the version leads out of it.

in_root() { chroot "$root" $early/bin/busybox "$@"; }

write_identity() {
  if [ "$root" != / ]; then
    mkdir -p "$root$early"
    mount --bind $early "$root$early"
  fi
  unpack_files
  place_all common
  write_hosts
  if in_root test -x /usr/sbin/sshd; then
    in_root sh -c 'rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub'
    place_all ssh
  fi
  write_network
  if in_root test -x /usr/lib/systemd/systemd || in_root test -x /lib/systemd/systemd; then
    place_all systemd
    in_root mkdir -p /etc/systemd/system/multi-user.target.wants
    for unit in bootwright-up.service bootwright-update.service; do
      in_root ln -sf /etc/systemd/system/$unit /etc/systemd/system/multi-user.target.wants/$unit
    done
    keep_kexec
  else
    say "no systemd: that this system came up is not told"
  fi
  write_fstab
}

unpack_files() {
  ask "/agent/ramroot/files?$(card)" $talk/files.sealed || fail "the server gave no files: $(tail -n 1 $talk/complaint)"
  unseal $talk/files.sealed $talk/files.cpio 2> $talk/complaint || fail "the files could not be opened: $(tail -n 1 $talk/complaint)"
  [ "$(sha256sum < $talk/files.cpio | cut -d ' ' -f 1)" = "$(order files)" ] || fail "the files are not those of the order"
  mkdir -p $talk/files
  (cd $talk/files && cpio -idm < ../files.cpio) 2> /dev/null
}

place_all() { # what is below $talk/files/$1, at its path in the root
  local file
  find "$talk/files/$1" -type f | while read -r file; do
    place "$file" "${file#"$talk/files/$1"}" "$(stat -c %a "$file")"
  done
}

place() { # FILE PATH MODE
  in_root mkdir -p "${2%/*}"
  in_root sh -c 'umask 077; rm -f "$1.bootwright"; cat > "$1.bootwright" && chmod "$2" "$1.bootwright" && mv -f "$1.bootwright" "$1"' \
    sh "$2" "$3" < "$1" || fail "$2 could not be written"
}

# The version's lines with Debian's 127.0.1.1 line for this machine, so that its name resolves without a network.
write_hosts() {
  { in_root cat /etc/hosts 2> /dev/null || echo "127.0.0.1 localhost"; } |
    awk -v name="$(order machine)" '$1 == "127.0.1.1" { next } { print } $1 == "127.0.0.1" && !done { print "127.0.1.1 " name; done = 1 }
      END { if (!done) print "127.0.1.1 " name }' > $talk/hosts
  place $talk/hosts /etc/hosts 644
}

# As agent/identity/network-files.ts chooses on a disk: the first that would act. Sets $management.
write_network() {
  local units
  management=none
  for units in /usr/lib/systemd/system /lib/systemd/system; do
    in_root test -f $units/systemd-networkd.service && management=networkd && break
  done
  if in_root test -x /usr/sbin/netplan; then management=netplan
  elif in_root test -L /etc/systemd/system/multi-user.target.wants/systemd-networkd.service; then management=networkd
  elif in_root test -x /usr/sbin/NetworkManager; then management=NetworkManager
  elif in_root test -x /usr/sbin/ifup || in_root test -x /sbin/ifup; then management=ifupdown; fi
  if [ $management = none ]; then
    say "nothing in the version configures the network: the address of $link stays without being renewed"
    return
  fi
  place_all network/$management
  if [ $management = networkd ]; then
    in_root mkdir -p /etc/systemd/system/multi-user.target.wants /etc/systemd/system/network-online.target.wants
    in_root ln -sf $units/systemd-networkd.service /etc/systemd/system/multi-user.target.wants/systemd-networkd.service
    in_root ln -sf $units/systemd-networkd-wait-online.service \
      /etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service
  fi
  if [ $management = ifupdown ] && ! in_root grep -qE '^[[:space:]]*source(-directory)?[[:space:]]+(/etc/network/)?interfaces.d' /etc/network/interfaces; then
    { in_root cat /etc/network/interfaces 2> /dev/null || printf 'auto lo\niface lo inet loopback\n'
      echo 'source /etc/network/interfaces.d/*'; } > $talk/interfaces
    place $talk/interfaces /etc/network/interfaces 644
  fi
}

# What starts another version without the firmware (ramroot/update.sh), where the version has nothing of its own for that. Mostly the
# version's C library runs it; else ours stays too, 2 MB of memory.
keep_kexec() {
  local kit=$early/kexec run
  if in_root test -x /usr/sbin/kexec || in_root test -x /sbin/kexec; then return; fi
  mkdir -p $kit/lib
  cp $early/tools/kexec $kit/program
  cp $early/lib/libxen* $kit/lib/ 2> /dev/null
  run='LD_LIBRARY_PATH=$here/lib exec $here/program "$@"'
  if ! in_root env LD_LIBRARY_PATH=$kit/lib $kit/program --version > /dev/null 2>&1; then
    cp $early/lib/ld-linux* $early/lib/libc.so.* $kit/lib/
    run='exec $here/lib/ld-linux* --library-path $here/lib $here/program "$@"'
  fi
  printf '#!/bin/sh\nhere=/run/bootwright/kexec\n%s\n' "$run" > $kit/kexec
  chmod 755 $kit/kexec
  mv $kit /run/bootwright/kexec
}

# Filesystems of a disk that the version was made on are not here; those of memory and of the network stay.
write_fstab() {
  in_root cat /etc/fstab 2> /dev/null | awk '
    /^[[:space:]]*(#|$)/ { print; next }
    $3 ~ /^(tmpfs|proc|sysfs|devpts|nfs|nfs4|cifs)$/ { print; next }
    { print "# not in memory: " $0 }' > $talk/fstab
}
