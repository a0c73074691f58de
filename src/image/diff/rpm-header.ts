import { DecodeError } from '../../bytes/decode-error.ts'
import type { InstalledPackage } from './installed-package.ts'

/*
 * A header as it stands in the rpm database (rpm's docs/manual/format_header.md, without the lead-in magic):
 *
 *   0–3  how many index entries   4–7  how many bytes of data   8–  entries of 16 bytes: tag, type, offset, count   data
 *
 * Numbers are big-endian; offsets count from the start of the data.
 */
const what = 'rpm header'
const entryBytes = 16
const maxEntries = 65_536

const tags = { name: 1000, version: 1001, release: 1002, epoch: 1003, architecture: 1022 } as const
const int32 = 4
const string = 6

/** Throws DecodeError. */
export function decodeRpmHeader(header: Buffer): InstalledPackage {
  if (header.length < 8) throw new DecodeError(what, 'it is cut short', header.length)
  const count = header.readUInt32BE(0)
  const start = 8 + count * entryBytes
  if (count > maxEntries || start + header.readUInt32BE(4) > header.length) {
    throw new DecodeError(what, 'its lengths lie behind its end', 0)
  }
  const text = (tag: number) => {
    const entry = findEntry(header, count, tag, string)
    return entry === undefined ? undefined : readText(header, start + entry)
  }
  const [name, version, release] = [text(tags.name), text(tags.version), text(tags.release)]
  if (name === undefined || version === undefined) throw new DecodeError(what, 'it has no name or no version')
  const epoch = findEntry(header, count, tags.epoch, int32)
  if (epoch !== undefined && start + epoch + 4 > header.length) throw new DecodeError(what, 'its epoch is cut off')
  return {
    manager: 'rpm',
    name,
    architecture: text(tags.architecture) ?? '',
    version: `${epoch === undefined ? '' : `${header.readUInt32BE(start + epoch)}:`}${version}${release === undefined ? '' : `-${release}`}`,
  }
}

/** Offset of the data of a tag of this type. */
function findEntry(header: Buffer, count: number, tag: number, type: number): number | undefined {
  for (let at = 8; at < 8 + count * entryBytes; at += entryBytes) {
    if (header.readUInt32BE(at) === tag && header.readUInt32BE(at + 4) === type) return header.readUInt32BE(at + 8)
  }
  return undefined
}

function readText(header: Buffer, start: number): string {
  const end = header.indexOf(0, start)
  if (end < 0) throw new DecodeError(what, 'a text has no end', start)
  return header.toString('utf8', start, end)
}
