import { isUtf8 } from 'node:buffer'

/*
 * A Linux file name is bytes. In memory and in the manifest it is text: valid UTF-8 as it reads, and each byte of a
 * name that is not valid UTF-8 and not ASCII as the lone surrogate U+DC00 + byte (Python's PEP 383), which JSON can
 * carry and no valid name decodes to. So every name has exactly one text and the other way round.
 */

/** Bytes of a file name, link target or attribute name as text. */
export function decodeFileName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let text = ''
  for (let start = 0; start < bytes.length; ) {
    const length = utf8SequenceLength(bytes, start)
    text += length === 0 ? String.fromCharCode(0xdc00 + bytes[start]!) : bytes.toString('utf8', start, start + length)
    start += length || 1
  }
  return text
}

/** The bytes again; `undefined` for a text that decodeFileName() gives for no bytes. */
export function encodeFileName(text: string): Buffer | undefined {
  if (text.isWellFormed()) return Buffer.from(text)
  const parts: Buffer[] = []
  for (const character of text) {
    const code = character.codePointAt(0)!
    if (code >= 0xd800 && code <= 0xdfff) {
      if (code < 0xdc80 || code > 0xdcff) return undefined
      parts.push(Buffer.of(code - 0xdc00))
    } else parts.push(Buffer.from(character))
  }
  const bytes = Buffer.concat(parts)
  return decodeFileName(bytes) === text ? bytes : undefined
}

/** What Node's fs takes for this path: the text itself nearly always, bytes where the text is not UTF-8. */
export function fileSystemPath(text: string): string | Buffer {
  if (text.isWellFormed()) return text
  const bytes = encodeFileName(text)
  if (bytes === undefined) throw new RangeError(`"${text.toWellFormed()}" is the text of no file name`)
  return bytes
}

export function fileNameByteLength(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text) : (encodeFileName(text)?.length ?? Number.POSITIVE_INFINITY)
}

/** Length of the valid UTF-8 sequence that starts here, 0 where none does. */
function utf8SequenceLength(bytes: Buffer, start: number): number {
  const first = bytes[start]!
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  return start + length <= bytes.length && isUtf8(bytes.subarray(start, start + length)) ? length : 0
}
