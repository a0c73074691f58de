# Read by init: talking to the server. Secrets come sealed to a key that is made here, for this boot alone (core/seal.ts), and the
# order is signed for this boot's nonce (core/ramroot-order.ts).

talk=/run/bootwright/talk

megabytes() { # of a line of /proc/meminfo
  awk -v key="$1:" '$1 == key { print int($2 / 1024) }' /proc/meminfo
}

# wget with patience: a switch that still learns, a server that restarts. Its own -T crashes in Debian's static busybox 1.35.
ask() { # PATH FILE [BODY]
  local path=$1 file=$2 body=${3-} attempt
  for attempt in 1 2 3 4 5 6 7 8 9 10 11 12; do
    if [ -n "$body" ]; then
      set -- --header "Content-Type: application/json" --post-data "$body"
    else
      set --
    fi
    [ -z "$session" ] || set -- "$@" --header "Authorization: Bearer $session"
    timeout 40 wget -q -O "$file" "$@" "$server$path" 2> $talk/complaint && return
    # The server understood, and refuses
    grep -q 'HTTP/1.1 4' $talk/complaint && return 1
    sleep $((attempt < 6 ? attempt : 6))
  done
  return 1
}

open_session() {
  local token body
  mkdir -p -m 0700 $talk
  server=$(argument bootwright.server)
  token=$(argument bootwright.token)
  [ -n "$server" ] && [ -n "$token" ] || fail "the kernel command line has no bootwright.server or bootwright.token"
  nonce=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')
  openssl genpkey -algorithm X25519 -out $talk/key.pem 2> $talk/complaint || fail "no key could be made: $(cat $talk/complaint)"
  openssl pkey -in $talk/key.pem -pubout -outform DER -out $talk/public.der
  body="{\"token\":\"$token\",\"mac\":\"$(cat "/sys/class/net/$interface/address")\",\"publicKey\":\"$(base64 $talk/public.der | tr -d '\n')\",\"nonce\":\"$nonce\"}"
  ask /agent/session $talk/session.json "$body" || fail "the server gave no session: $(tail -n 1 $talk/complaint)"
  session=$(sed -n 's/.*"session":"\([^"]*\)".*/\1/p' $talk/session.json)
  date -s "@$(sed -n 's/.*"nowMs":\([0-9]*\)[0-9][0-9][0-9][^0-9].*/\1/p' $talk/session.json)" > /dev/null
}

# Sets what the order says of the root; the lines themselves stay for who needs them.
fetch_order() {
  ask "/agent/ramroot/order?$(card)" $talk/order.signed || fail "the server gave no order: $(tail -n 1 $talk/complaint)"
  sed '/^signature /d' $talk/order.signed > $talk/order
  sed -n 's/^signature //p' $talk/order.signed | base64 -d > $talk/signature
  openssl pkeyutl -verify -pubin -inkey $early/order.pem -rawin -in $talk/order -sigfile $talk/signature > $talk/complaint 2>&1 ||
    fail "the order is not signed by this site: $(tail -n 1 $talk/complaint)"
  [ "$(order nonce)" = "$nonce" ] || fail "the order is for another boot"
  say "$(order machine) runs $(order title)"
}

# The interface that the system's own network is made for.
card() {
  local vlan
  vlan=$(argument bootwright.vlan)
  echo "mac=$(cat "/sys/class/net/$interface/address")${vlan:+&vlan=$vlan}"
}

order() { sed -n "s/^$1 //p" $talk/order; }

report() { # STEP DETAIL [BYTES]
  local detail
  detail=$(echo "$2" | tr -d '"\\\000-\037' | cut -c 1-500)
  ask /agent/ramroot/report $talk/answer "{\"step\":\"$1\",\"detail\":\"$detail\",\"bytes\":${3:-0}}"
}

# AES-256-GCM without its check sum, which the openssl program cannot use: the order has the hash of what comes out.
unseal() { # FILE OUTPUT
  local secret key
  cut -d . -f 1 "$1" | base64 -d > $talk/peer.der
  cut -d . -f 2 "$1" | base64 -d | head -c -16 > $talk/body
  openssl pkeyutl -derive -inkey $talk/key.pem -peerkey $talk/peer.der -peerform DER -out $talk/shared || return 1
  secret=$(hexdump -v -e '/1 "%02x"' $talk/shared)
  key=$(openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt "hexkey:$secret" -kdfopt "info:bootwright sealed v1" HKDF | tr -d ':\n')
  openssl enc -d -aes-256-ctr -K "$key" -iv 00000000000000000000000000000002 -in $talk/body -out "$2"
}
