/** Control characters, bidirectional overrides and the replacement character of undecodable bytes. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]+/g

/**
 * A claim of a machine (SMBIOS, DHCP, a program's output) as one line that is safe to show on a terminal or in a log:
 * control characters become one space, spaces at the ends go, what is longer than `maxLength` is cut.
 */
export function oneLine(text: string, maxLength = 200): string {
  const line = text.replace(unprintable, ' ').trim()
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line
}
