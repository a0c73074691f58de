# Read by init: disks that keep data. They are mounted by the system itself, by label, from /etc/fstab. One that is missing is made
# where the order names the disk for it and that disk is empty; nothing else is ever formatted.

patience=10

prepare_data_disks() {
  local label mount rule
  if grep -q '^data-disk ' $talk/order; then
    load_all_drivers
    sleep 1
    order data-disk > $talk/data-disks
    while read -r label mount rule; do
      if find_label "$label" || make_data_disk "$label" "$rule"; then
        in_root mkdir -p "$mount"
        echo "LABEL=$label $mount auto defaults,nofail,x-systemd.device-timeout=60 0 2" >> $talk/fstab
      fi
    done < $talk/data-disks
  fi
  place $talk/fstab /etc/fstab 644
  if [ "$root" != / ]; then
    umount "$root$early"
    rmdir "$root$early"
  fi
}

# Disks come late: the first label is waited for, and then all are there.
find_label() {
  local device
  while :; do
    device=$($early/bin/blkid -c /dev/null -L "$1") && say "$1 is on $device" && return
    [ $patience -gt 0 ] || return 1
    patience=$((patience - 1))
    sleep 1
  done
}

make_data_disk() { # LABEL RULE
  local disk
  [ "$2" != none ] || { notice "there is no filesystem with the label $1, and no disk is named for it"; return 1; }
  disk=$(disk_of_rule "$2")
  case $disk in
    "") notice "no disk matches $2 for $1; there are: $(list_disks)"; return 1 ;;
    *" "*) notice "several disks match $2 for $1: $disk"; return 1 ;;
  esac
  refuse_content "$disk" "$1" || return 1
  $early/bin/mke2fs -q -t ext4 -L "$1" "/dev/$disk" > $talk/complaint 2>&1 ||
    { notice "no filesystem could be made on $disk: $(tail -n 1 $talk/complaint)"; return 1; }
  sync
  notice "$1 was made on $disk, which was empty"
}

refuse_content() { # DISK LABEL
  local end
  if [ -n "$(ls -d "/sys/block/$1/$1"* 2> /dev/null)" ] || $early/bin/blkid -c /dev/null -p "/dev/$1" > $talk/found 2>&1; then
    notice "$1 is not empty ($(tail -n 1 $talk/found)), so $2 was not made on it; wipe it to have it made"
    return 1
  fi
  end=$(($(cat "/sys/block/$1/size") / 2048 - 1))
  for start in 0 $end; do
    if dd if="/dev/$1" bs=1048576 skip=$start count=1 2> /dev/null | tr -d '\000' | grep -q .; then
      notice "$1 is not empty (there are bytes at $start MiB), so $2 was not made on it; wipe it to have it made"
      return 1
    fi
  done
}

notice() {
  say "$*"
  report notice "$*"
}

# Whole fixed disks, by what does not move between boots.
disks() {
  local device
  for device in /sys/block/*; do
    case ${device##*/} in loop* | ram* | zram* | sr* | fd* | dm-* | md* | nbd*) continue ;; esac
    [ "$(cat "$device/removable")" = 0 ] && [ "$(cat "$device/ro")" = 0 ] && echo "${device##*/}"
  done
}

serial_of() {
  cat "/sys/block/$1/serial" "/sys/block/$1/device/serial" 2> /dev/null | head -n 1 | sed 's/^ *//; s/ *$//'
  [ ! -e "/sys/block/$1/device/vpd_pg80" ] || tail -c +5 "/sys/block/$1/device/vpd_pg80" | tr -d '\000' | sed 's/^ *//; s/ *$//'
}

disk_of_rule() { # any, or serial=TEXT
  local disk found=
  for disk in $(disks); do
    [ "$1" = any ] || [ "$(serial_of "$disk" | head -n 1)" = "${1#serial=}" ] || continue
    found="$found${found:+ }$disk"
  done
  echo "$found"
}

list_disks() {
  local disk
  for disk in $(disks); do echo "$disk serial $(serial_of "$disk" | head -n 1)"; done | tr '\n' ',' | sed 's/,$//; s/,/, /g'
}
