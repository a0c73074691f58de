# Read by init: the root, from what the kernel unpacked or from a file that is fetched into memory.

damaged=0

refuse_too_little_memory() {
  local needs has
  needs=$(order needs)
  has=$(megabytes MemTotal)
  [ "$has" -ge "$needs" ] || fail "$(order title) needs $needs MiB of memory and this machine has $has MiB; nothing was fetched"
}

make_root() {
  if [ "$(order form)" = initrd ]; then
    root=/
    return
  fi
  fetch_root
  mount_root
}

# Goes on where it was cut off. Gives up when nothing comes for five minutes.
fetch_root() {
  local image
  image=/run/bootwright/image
  size=$(order size)
  mkdir -p $image
  mount -t tmpfs -o "mode=0700,size=$((size / 1024 + 1024))k" bootwright-image $image
  file=$image/root.squashfs
  : > $file
  say "fetching $((size / 1048576)) MiB"
  report fetching ""
  fetch_missing
  check_root
}

fetch_missing() {
  local have before idle=0 pause=1
  while :; do
    before=$(stat -c %s $file)
    [ "$before" -lt "$size" ] || return
    wget -q -c -O $file "$server$(order path)" 2> $talk/complaint &
    show_progress $! "$size"
    have=$(stat -c %s $file)
    if [ "$have" -gt "$before" ]; then
      pause=1
      idle=0
      continue
    fi
    idle=$((idle + pause))
    [ $idle -lt 300 ] || fail "nothing came for minutes: $(tail -n 1 $talk/complaint)"
    say "cut off at $((have / 1048576)) of $((size / 1048576)) MiB ($(tail -n 1 $talk/complaint)); again in $pause s"
    sleep $pause
    pause=$((pause < 16 ? pause * 2 : 30))
  done
}

# Ends what brings nothing for 20 s.
show_progress() { # PROCESS SIZE
  local seconds=0 idle=0 have last=0
  while kill -0 "$1" 2> /dev/null; do
    sleep 1
    seconds=$((seconds + 1))
    have=$(stat -c %s $file)
    idle=$((have > last ? 0 : idle + 1))
    last=$have
    [ $idle -lt 20 ] || kill "$1" 2> /dev/null
    [ $((seconds % 5)) != 0 ] || say "$((have / 1048576)) of $(($2 / 1048576)) MiB"
  done
  wait "$1"
}

# What is damaged is fetched again from its first wrong piece on, twice.
check_root() {
  local number=0 hash
  if [ "$(sha256sum < $file | cut -d ' ' -f 1)" = "$(order sha256)" ]; then
    report fetched "" "$size"
    return
  fi
  damaged=$((damaged + 1))
  [ $damaged -le 2 ] || fail "what was fetched is damaged three times: look at the network, or at the server's disk"
  order piece > $talk/pieces
  while read -r hash; do
    [ "$(dd if=$file bs=4194304 skip=$number count=1 2> /dev/null | sha256sum | cut -d ' ' -f 1)" = "$hash" ] || break
    number=$((number + 1))
  done < $talk/pieces
  say "what was fetched is damaged at $((number * 4)) MiB; fetching again from there"
  truncate -s $((number * 4194304)) $file
  fetch_missing
  check_root
}

mount_root() {
  local upper=/run/bootwright/overlay
  $modprobe -q loop
  $modprobe -q squashfs
  $modprobe -q overlay
  mkdir -p /run/bootwright/lower $upper /.bootwright/root
  mount -t squashfs -o loop,ro $file /run/bootwright/lower || fail "the root could not be mounted"
  if [ "$(order overlay)" = zram ]; then mount_zram "$(order budget)" $upper
  else mount -t tmpfs -o "mode=0755,size=$(order budget)m" bootwright-overlay $upper; fi
  mkdir -p $upper/upper $upper/work
  own_like /run/bootwright/lower $upper/upper
  root=/.bootwright/root
  mount -t overlay -o lowerdir=/run/bootwright/lower,upperdir=$upper/upper,workdir=$upper/work overlay $root ||
    fail "the overlay could not be mounted"
}

# The root of an overlay is the upper directory's.
own_like() {
  chown "$(stat -c %u:%g "$1")" "$2"
  chmod "$(stat -c %a "$1")" "$2"
}

mount_zram() { # MIB PLACE
  $modprobe -q zram num_devices=1 || fail "the kernel has no zram; run it with an overlay on tmpfs"
  $modprobe -q ext4
  echo zstd 2> /dev/null > /sys/block/zram0/comp_algorithm
  echo "$1M" > /sys/block/zram0/disksize || fail "zram could not be made"
  $early/bin/mke2fs -q -t ext4 -O ^has_journal -m 0 /dev/zram0 || fail "no filesystem could be made on zram"
  mount -t ext4 -o discard /dev/zram0 "$2" || fail "zram could not be mounted"
}

# What the root's form could not hold: attributes, ACLs, times (ramroot/sidecar.ts in the server).
restore_sidecar() {
  cd "$root" || fail "there is no root"
  if [ -s $early/times ]; then
    xargs -0 -n 3 $early/bin/touch -h -m -c < $early/times || fail "times of the version could not be put back"
  fi
  if [ -s $early/attributes ]; then
    $early/bin/setfattr -h --restore=$early/attributes || fail "attributes of the version could not be put back"
  fi
  cd /
}
