/** A line of fstab(5): what is mounted where. */
export type FstabEntry = { device: string; mountPoint: string; type: string; options: readonly string[] }

/** Only what is mounted somewhere below the root; parents come before what is in them. */
export function parseFstab(text: string): FstabEntry[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [device = '', mountPoint = '', type = 'auto', options = ''] = line.split(/\s+/).map(decodeEscapes)
      return { device, mountPoint, type, options: options.split(',') }
    })
    .filter(({ mountPoint, type }) => mountPoint.startsWith('/') && stripSlashes(mountPoint) !== '' && type !== 'swap')
    .sort((a, b) => depth(a.mountPoint) - depth(b.mountPoint))
}

/** A mount point as a path of a tree. */
export function stripSlashes(mountPoint: string): string {
  return mountPoint
    .split('/')
    .filter((name) => name !== '')
    .join('/')
}

function depth(mountPoint: string): number {
  return stripSlashes(mountPoint).split('/').length
}

/** Three octal digits stand for space, tab, line end and backslash. */
function decodeEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

export type Identified = {
  number: number
  uuid: string | undefined
  name: string | undefined
  filesystem: { uuid: string | undefined; label: string | undefined } | undefined
}

/** The one of a disk's partitions that an fstab's first field means; undefined where it is none of them. */
export function findPartition<Found extends Identified>(
  device: string,
  partitions: readonly Found[],
): Found | undefined {
  const [, tag = '', quoted = ''] = /^(\w+)=(.*)$/.exec(device) ?? byPath(device) ?? []
  const value = quoted.replace(/^"(.*)"$/, '$1')
  switch (tag) {
    case 'UUID':
      return partitions.find(({ filesystem }) => filesystem?.uuid?.toLowerCase() === value.toLowerCase())
    case 'LABEL':
      return partitions.find(({ filesystem }) => filesystem?.label === value)
    case 'PARTUUID':
      return partitions.find(({ uuid }) => uuid === value.toLowerCase())
    case 'PARTLABEL':
      return partitions.find(({ name }) => name === value)
    case 'NUMBER':
      return partitions.find(({ number }) => number === Number(value))
    default:
      return undefined
  }
}

function byPath(device: string): string[] | undefined {
  const [, kind, value = ''] = /^\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/(.+)$/.exec(device) ?? []
  if (kind !== undefined) return ['', kind.toUpperCase(), value]
  // A disk that was the machine's only one: which letter it had there says nothing here.
  const number = /^\/dev\/(?:[hsv]d[a-z]|xvd[a-z]|nvme\d+n\d+p|mmcblk\d+p)(\d+)$/.exec(device)?.[1]
  return number === undefined ? undefined : ['', 'NUMBER', number]
}
