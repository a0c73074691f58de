# Runs beside the services of a system in memory: asks the server again and again whether this machine is to run another version, and
# restarts it into that by kexec, or by its firmware where kexec cannot be. What stands before it (ramroot/update-script.ts) sets url,
# host, port, token, token_file, key, card, work and tools, and has get() and post(). POSIX sh; of other programs it needs sha256sum.

order() { sed -n "s/^$1 //p" "$work/order"; }

# The last line is a hash with a key that only this boot has; the nonce is this question's.
order_is_ours() {
  sed '$d' "$work/answer" >"$work/order"
  inner=$({ printf %s "$key"; cat "$work/order"; } | sha256sum | cut -c 1-64)
  outer=$(printf %s "$key$inner" | sha256sum | cut -c 1-64)
  [ "$(sed -n '$s/^mac //p' "$work/answer")" = "$outer" ] && [ "$(order nonce)" = "$nonce" ]
}

report() { # STATE DETAIL
  detail=$(printf %s "$2" | tr -d '"\\\000-\037' | cut -c 1-500)
  printf '{"state":"%s","by":"%s","detail":"%s"}' "$1" "$by" "$detail" >"$work/report"
  for again in 1 2 5 0; do
    post /agent/ramroot/update/report application/json "$work/report" && return
    sleep "$again"
  done
  echo "bootwright: the server did not take that this machine is $1" >&2
  return 1
}

fetch() { # SHA256 SIZE PATH FILE
  for again in 2 5 0; do
    get "$3" "$4" && [ "$(sha256sum <"$4" | cut -c 1-64)" = "$1" ] && return
    sleep "$again"
  done
  echo "$3 could not be fetched as it was made"
  return 1
}

# One file of all archives: each begins at a multiple of four bytes.
fetch_initrd() {
  : >"$work/initrd"
  order initrd >"$work/initrds"
  while read -r hash size path; do
    fetch "$hash" "$size" "$path" "$work/part" || return 1
    cat "$work/part" >>"$work/initrd"
    head -c $(((4 - size % 4) % 4)) /dev/zero >>"$work/initrd"
    rm -f "$work/part"
  done <"$work/initrds"
}

# Says why not. What is fetched is there twice for a moment, here and in the kernel.
may_kexec() {
  [ "$(order by)" = kexec ] || { echo 'as it was ordered'; return 1; }
  command -v kexec >/dev/null 2>&1 || { echo 'there is no kexec'; return 1; }
  [ "$(cat /proc/sys/kernel/kexec_load_disabled 2>/dev/null)" != 1 ] || { echo 'this kernel has kexec switched off'; return 1; }
  bytes=$({ order kernel; order initrd; } | awk '{ sum += $2 } END { printf "%.0f", sum }')
  free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
  needs=$((bytes / 524288 + 64))
  [ "$free" -ge "$needs" ] || { echo "kexec needs $needs MiB of free memory and there are $free MiB"; return 1; }
}

# The file-based system call, so that the kernel itself checks the signature under Secure Boot.
load_kernel() {
  kexec --load --kexec-file-syscall "$work/vmlinuz" --initrd="$work/initrd" --command-line="$(order arguments)" >"$work/complaint" 2>&1 && return
  echo "the kernel was not taken: $(tail -n 1 "$work/complaint")"
  return 1
}

# systemd's last program starts the loaded kernel by this name. The root is in memory: nothing of it stays.
place_kexec() {
  for place in $kexec_places; do
    [ -x "$place" ] || ln -s "$tools/kexec" "$place" 2>/dev/null || { echo "$place could not be made"; return 1; }
  done
}

update() {
  echo "bootwright: this machine is to run $(order title)"
  by=kexec
  if why=$(may_kexec); then
    order kernel >"$work/kernel"
    read -r hash size path <"$work/kernel"
    why=$(fetch "$hash" "$size" "$path" "$work/vmlinuz" && fetch_initrd) || { report failed "$why"; return; }
    why=$(load_kernel && place_kexec) || { by=reboot; kexec --unload 2>/dev/null; }
    rm -f "$work/vmlinuz" "$work/initrd"
  else
    by=reboot
  fi
  restart "$why"
}

restart() { # WHY
  echo "bootwright: restarting by $by${1:+: $1}"
  report restarting "$1" || { kexec --unload 2>/dev/null; return; }
  if systemctl "$by" >"$work/complaint" 2>&1; then
    sleep 1200
    report failed 'its services do not stop'
  else
    report failed "systemctl $by: $(tail -n 1 "$work/complaint")"
  fi
}

PATH=$PATH:/usr/sbin:/sbin:$tools
mkdir -p "$work"
pause=30
while sleep "$pause"; do
  pause=60
  nonce=$(od -A n -N 16 -t x1 /dev/urandom | tr -d ' \n')
  get "/agent/ramroot/update/?$card&nonce=$nonce" "$work/answer" 2>/dev/null || continue
  read -r word seconds <"$work/answer"
  case $word in
    wait) case $seconds in '' | *[!0-9]* | ?????*) ;; *) pause=$seconds ;; esac ;;
    nonce)
      if order_is_ours; then update
      else echo 'bootwright: somebody answered in the place of the server; nothing is done' >&2; fi ;;
  esac
done
