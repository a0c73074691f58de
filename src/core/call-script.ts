/*
 * How a system that has come up tells the server something: POSIX sh, through curl, bash or GNU wget, whichever it has. The script
 * around it sets url, host, port, token and token_file.
 */

/** Attempts are 5, 10, 20 … 60 s apart: about ten minutes in all; the next boot tries again. */
const attempts = 14

/** Where the server is. */
export function callVariables({ origin, hostname, port, protocol }: URL): string {
  return `url='${origin}'
host='${hostname}'
port='${port || (protocol === 'https:' ? '443' : '80')}'`
}

/** `post PATH TYPE FILE`. The token never stands in an argument. */
export function renderPost(url: URL): string {
  return `# Each posts a file: path, content type, file.
by_curl() {
  printf 'header = "Authorization: Bearer %s"\\nheader = "Content-Type: %s"\\n' "$token" "$2" |
    curl --silent --fail --max-time 20 --output /dev/null --data-binary "@$3" --config - "$url$1"
}

# Debian's bash opens TCP connections by itself, so that an image without any HTTP client can speak.
by_bash() {
  BOOTWRIGHT_TOKEN=$token timeout 20 bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit 1
    printf "POST %s HTTP/1.1\\r\\nHost: %s:%s\\r\\nAuthorization: Bearer %s\\r\\nContent-Type: %s\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" "$3" "$1" "$2" "$BOOTWRIGHT_TOKEN" "$4" "$(wc -c <"$5")" >&3
    cat "$5" >&3
    read -r version status rest <&3 || exit 1
    case $status in 2*) exit 0 ;; *) exit 1 ;; esac' bash "$host" "$port" "$1" "$2" "$3"
}

by_wget() {
  printf 'header = Authorization: Bearer %s\\nheader = Content-Type: %s\\npost_file = %s\\n' "$token" "$2" "$3" >"$token_file.wgetrc"
  wget --config="$token_file.wgetrc" --quiet --tries=1 --timeout=20 --output-document=/dev/null "$url$1"
  result=$?
  rm -f "$token_file.wgetrc"
  return $result
}

post() {
  if command -v curl >/dev/null 2>&1; then by_curl "$@"
  elif ${hasBash(url)}; then by_bash "$@"
  elif command -v wget >/dev/null 2>&1; then by_wget "$@"
  else
    echo 'bootwright: cannot reach the server: this system has neither curl nor bash nor wget' >&2
    exit 1
  fi
}`
}

/** `get PATH FILE`, beside renderPost(). HTTP/1.0, because bash takes what comes as it is: no chunks. */
export function renderGet(url: URL): string {
  return `# Each fetches into a file: path, file.
get_by_curl() {
  printf 'header = "Authorization: Bearer %s"\\n' "$token" |
    curl --silent --show-error --fail --connect-timeout 20 --speed-limit 1 --speed-time 60 --output "$2" --config - "$url$1"
}

get_by_bash() {
  BOOTWRIGHT_TOKEN=$token timeout 3600 bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit 1
    printf "GET %s HTTP/1.0\\r\\nHost: %s:%s\\r\\nAuthorization: Bearer %s\\r\\n\\r\\n" "$3" "$1" "$2" "$BOOTWRIGHT_TOKEN" >&3
    read -r version status rest <&3 || exit 1
    case $status in 2*) ;; *) exit 1 ;; esac
    while IFS= read -r line <&3 && [ "\${#line}" -gt 1 ]; do :; done
    cat <&3' bash "$host" "$port" "$1" >"$2"
}

get_by_wget() {
  printf 'header = Authorization: Bearer %s\\n' "$token" >"$token_file.wgetrc"
  wget --config="$token_file.wgetrc" --quiet --tries=1 --timeout=60 --output-document="$2" "$url$1"
  result=$?
  rm -f "$token_file.wgetrc"
  return $result
}

get() {
  if command -v curl >/dev/null 2>&1; then get_by_curl "$@"
  elif ${hasBash(url)}; then get_by_bash "$@"
  else get_by_wget "$@"; fi
}`
}

/** bash opens TCP connections, and no TLS over them. */
function hasBash({ protocol }: URL): string {
  return protocol === 'https:' ? 'false' : 'command -v bash >/dev/null 2>&1'
}

/** Runs `tell` until it succeeds. */
export const retryTell = `attempt=1
pause=5
until tell; do
  if [ "$attempt" -ge ${attempts} ]; then
    echo "bootwright: $url did not answer in $attempt attempts; the next boot tries again" >&2
    exit 1
  fi
  attempt=$((attempt + 1))
  sleep "$pause"
  pause=$((pause * 2))
  if [ "$pause" -gt 60 ]; then pause=60; fi
done`
