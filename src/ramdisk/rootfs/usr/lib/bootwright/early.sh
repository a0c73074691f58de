# Read by the first program of a ramdisk (busybox's sh): consoles, drivers, the network. Before it is read $modprobe is the path of
# kmod's modprobe and $udhcpc_script what udhcpc calls; `fail` is the reader's own.

say() {
  read -r uptime _ < /proc/uptime
  echo "[bootwright ${uptime}s] $*"
}

argument() { # value of NAME=VALUE on the kernel command line
  local word
  for word in $(cat /proc/cmdline); do
    case $word in "$1"=*) echo "${word#*=}"; return ;; esac
  done
}

# /dev/console is only the last console= of the command line; people also look at the screen, and the other way round.
write_to_all_consoles() {
  local consoles='' name
  for name in $(cat /sys/class/tty/console/active) tty0 ttyS0; do
    case " $consoles " in *" /dev/$name "*) continue ;; esac
    case $name in
      ttyS*) [ "$(cat /sys/class/tty/"$name"/type 2>/dev/null || echo 0)" != 0 ] || continue ;;
    esac
    # opening proves that there is a device behind the node
    (: > "/dev/$name") 2>/dev/null && consoles="$consoles /dev/$name"
  done
  [ -n "$consoles" ] || return
  echo "$consoles" > /run/bootwright/consoles
  mkfifo /run/bootwright/console
  # shellcheck disable=SC2086
  setsid tee $consoles < /run/bootwright/console > /dev/null 2>&1 &
  exec > /run/bootwright/console 2>&1
}

# Drivers for the devices on the buses given. Buses bring new devices (PCI, then virtio or USB), so until nothing is
# new. A memory card tells its modalias in its event only. $1 names a file to remember by, because two of these run
# side by side; $2 is the pattern of the wanted.
load_drivers() {
  local seen=/run/bootwright/$1.aliases pattern=$2 pass
  shift 2
  for pass in 1 2 3 4 5; do
    # shellcheck disable=SC2046
    # busybox's sort ends at the first file that is not there, and a kernel has not every bus
    { cat $(printf '/sys/bus/%s/devices/*/modalias ' "$@") 2>/dev/null; [ ! -d /sys/bus/mmc ] || echo mmc:block; } |
      sort -u | grep -E "$pattern" > "$seen.now"
    [ -e "$seen" ] || echo none > "$seen" # grep takes an empty list of patterns for one that matches all
    grep -vxFf "$seen" "$seen.now" > "$seen.new" || return
    xargs "$modprobe" -abq < "$seen.new"
    mv "$seen.now" "$seen"
  done
}

# PCI class 02, and the buses on which virtual machines have their interfaces (1AF4 is virtio over PCI)
load_network_drivers() {
  load_drivers network '^(pci:.*bc02|pci:v00001AF4|virtio:d00000001|vmbus:|acpi:VMBUS|xen:vif)' pci virtio vmbus acpi xen
}

load_all_drivers() { load_drivers all . '*'; }

interface_of_mac() {
  local device
  for device in /sys/class/net/*; do
    [ "$(cat "$device/address")" = "$1" ] && [ ! -e "$device/bonding" ] && echo "${device##*/}" && return
  done
  return 1
}

list_interfaces() {
  local device
  for device in /sys/class/net/*; do
    [ "${device##*/}" = lo ] || echo "${device##*/} $(cat "$device/address")"
  done | tr '\n' ',' | sed 's/,$//; s/,/, /g'
}

# Sets $interface: the one named by BOOTIF, or without BOOTIF the first that has a link.
find_interface() {
  local bootif mac tries device
  bootif=$(argument BOOTIF | tr A-F- a-f:)
  mac=${bootif#01:}
  for tries in $(seq 1 120); do
    if [ -n "$mac" ]; then
      interface=$(interface_of_mac "$mac") && return
    else
      for device in /sys/class/net/*; do
        interface=${device##*/}
        [ "$interface" = lo ] && continue
        ip link set "$interface" up
        [ "$(cat "$device/carrier" 2>/dev/null)" = 1 ] && return
      done
    fi
    sleep 0.5
  done
  interface=
  fail "no network interface${mac:+ has the address $mac that BOOTIF names}; there are: $(list_interfaces)." \
    "A driver or its firmware may be missing."
}

wait_for_link() {
  local half_seconds=0
  ip link set "$interface" up
  until [ "$(cat "/sys/class/net/$interface/carrier" 2>/dev/null)" = 1 ]; do
    half_seconds=$((half_seconds + 1))
    [ $((half_seconds % 20)) = 0 ] && say "$interface has no link yet, $((half_seconds / 2)) of 60 s"
    if [ $half_seconds -ge 120 ]; then say "$interface still has no link; trying DHCP all the same (check cable and switch port)"; return; fi
    sleep 0.5
  done
}

# Whether a cable is in a card, and what switch it leads to, shows only once the card is up; it speaks to nobody there.
raise_other_interfaces() {
  local device name
  for device in /sys/class/net/*; do
    name=${device##*/}
    [ -e "$device/device" ] && [ "$name" != "$interface" ] || continue
    [ ! -d "/proc/sys/net/ipv6/conf/$name" ] || echo 1 > "/proc/sys/net/ipv6/conf/$name/disable_ipv6"
    ip link set "$name" up 2>/dev/null
  done
}

# Sets $link: what gets the address. On a tagged port that is a VLAN of the card; firmware may have tagged by itself.
enter_vlan() {
  local vlan
  link=$interface
  vlan=$(argument bootwright.vlan)
  [ -n "$vlan" ] || return
  link=vlan$vlan
  "$modprobe" -q 8021q
  ip link add link "$interface" name "$link" type vlan id "$vlan" || fail "cannot make VLAN $vlan on $interface"
  ip link set "$link" up
}

# udhcpc stays, and renews the lease while the agent works.
get_address() {
  local tenths=0
  udhcpc -f -i "$link" -s "$udhcpc_script" -t 8 -T 2 -A 3 -O staticroutes -O mtu \
    > /run/bootwright/udhcpc.log 2>&1 &
  until [ -e /run/bootwright/lease ]; do
    tenths=$((tenths + 1))
    if [ $((tenths % 150)) = 0 ]; then
      say "no DHCP answer on $link for $((tenths / 10)) s (spanning tree, or no server); still asking"
    fi
    [ $tenths -lt 3000 ] || fail "no DHCP answer on $link for 5 minutes: $(tail -n 1 /run/bootwright/udhcpc.log)"
    sleep 0.1
  done
}
