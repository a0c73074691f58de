/**
 * Text from a machine made safe for a log line, a timeline sentence or a terminal: control characters, line and
 * paragraph separators and direction marks become `\u{…}`, and what is longer than `maxLength` characters is cut.
 */
export function printable(text: string, maxLength = 200): string {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return shown.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`
  })
}
