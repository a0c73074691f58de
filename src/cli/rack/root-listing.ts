import { once } from 'node:events'
import { createServer } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Shell } from '../../rack/login.ts'
import { rackNetwork } from '../../rack/switch.ts'

/** What a file of a running machine's root is, in words that can be compared. */
export type ListedFile = {
  type: string
  mode: string
  owner: string
  /** Seconds and nanoseconds. */
  mtime: string
  /** Of what is no directory: how many names it has, and the first of them. */
  links: string
  target: string
  device: string
  /** Of regular files: size and SHA-256. */
  content: string
  /** Every extended attribute, capabilities and ACLs among them. */
  attributes: string
}

/** By path, `.` being the root; names that are no UTF-8 stand as latin1. */
export type RootListing = ReadonlyMap<string, ListedFile>

/**
 * What lies below the machine's mount points is seen through a bind mount. Debian's Essential packages have all that this needs: of
 * programs for attributes there is none, so perl calls llistxattr (195) and lgetxattr (192 on x64).
 */
const script = `
systemctl is-system-running --wait > /dev/null
mkdir -p /run/root-listing && mount --bind / /run/root-listing && cd /run/root-listing || exit
find . -printf 'file\\t%y\\t%m\\t%U:%G\\t%T@\\t%n\\t%D:%i\\t%l\\t%p\\0'
find . -type f -print0 | xargs -0 -r sha256sum -z -b | sed -z 's/^/content\\t/'
find . -type f -printf 'size\\t%s\\t%p\\0'
find . '(' -type b -o -type c ')' -exec stat --printf 'device\\t%t:%T\\t%n\\0' '{}' +
find . -print0 | perl -0 -ne '
  chomp; my ($path, $names) = ($_, "\\0" x 65536);
  my $length = syscall(195, $path, $names, 65536);
  next if $length <= 0;
  for my $name (sort split /\\0/, substr($names, 0, $length)) {
    my $value = "\\0" x 65536;
    my $size = syscall(192, $path, $name, $value, 65536);
    print "attribute\\t$name=", unpack("H*", substr($value, 0, $size)), "\\t$path\\0";
  }'
cd / && umount /run/root-listing && rmdir /run/root-listing
printf 'end\\0'
`

const listingTimeoutMs = 20 * 60_000

/** Lists the root of a machine that somebody is logged in to, who may use sudo with this password. */
export async function listRoot(shell: Shell, password: string): Promise<RootListing> {
  const server = createServer({ allowHalfOpen: true }).listen(0, rackNetwork.serverAddress)
  try {
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const listed = once(server, 'connection').then(([socket]) => {
      socket.write(`${script}\0`)
      return buffer(socket)
    })
    const fetchAndRun = `exec 3<>/dev/tcp/${rackNetwork.serverAddress}/${port}; IFS= read -r -d "" text <&3; bash -c "$text" >&3 2>/dev/null`
    await shell.run(`echo ${password} | sudo -S bash -c '${fetchAndRun}' 2> /dev/null`, listingTimeoutMs)
    return parseListing((await listed).toString('latin1'))
  } finally {
    server.close()
  }
}

function parseListing(text: string): RootListing {
  const records = text.split('\0')
  if (records.at(-2) !== 'end') throw new Error('The listing of the root stops before its end')
  const files = new Map<string, ListedFile>()
  const inodes = new Map<string, string[]>()
  for (const record of records.slice(0, -2)) {
    const [kind, ...fields] = record.split('\t') as [string, ...string[]]
    if (kind === 'file') addFile(files, inodes, fields)
    else addFact(files, kind, fields)
  }
  for (const paths of inodes.values()) {
    for (const path of paths) files.get(path)!.links += ` as ${paths.toSorted()[0]}`
  }
  return files
}

function addFile(files: Map<string, ListedFile>, inodes: Map<string, string[]>, fields: readonly string[]): void {
  const [type = '', mode = '', owner = '', mtime = '', links = '', inode = '', target = '', ...rest] = fields
  const path = rest.join('\t')
  const file = { type, mode, owner, mtime, links: '', target, device: '', content: '', attributes: '' }
  files.set(path, file)
  if (type === 'd') return
  file.links = links
  inodes.set(inode, [...(inodes.get(inode) ?? []), path])
}

function addFact(files: Map<string, ListedFile>, kind: string, [value = '', ...rest]: readonly string[]): void {
  // sha256sum puts one field before the path: the hash, a space and an asterisk
  const [, hash = '', hashed = ''] = kind === 'content' ? /^(\w+) \*([\s\S]*)$/.exec([value, ...rest].join('\t'))! : []
  const file = files.get(kind === 'content' ? hashed : rest.join('\t'))
  if (!file) return // it came after the names were listed
  if (kind === 'content') file.content = hash
  else if (kind === 'size') file.content = `${value} bytes ${file.content}`
  else if (kind === 'device') file.device = value
  else file.attributes += `${value} `
}

export type RootDifference = { path: string; what: string }

/** Where two listings differ. `keepsFractions` is false where one of both has whole seconds. */
export function differencesOf(
  expected: RootListing,
  actual: RootListing,
  { keepsFractions }: { keepsFractions: boolean },
): RootDifference[] {
  const found: RootDifference[] = []
  for (const path of [...new Set([...expected.keys(), ...actual.keys()])].sort()) {
    const [one, other] = [expected.get(path), actual.get(path)]
    if (!one || !other) {
      found.push({ path, what: one ? 'is not there' : 'is there too' })
      continue
    }
    for (const fact of Object.keys(one) as (keyof ListedFile)[]) {
      const [was, is] = [one, other].map((file) => {
        return fact === 'mtime' && !keepsFractions ? file.mtime.replace(/\..*/, '') : file[fact]
      })
      if (was !== is) found.push({ path, what: `${fact}: "${is}", not "${was}"` })
    }
  }
  return found
}
