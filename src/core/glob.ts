/** `*` for any letters, nothing else is special; in time that grows with the text alone, whatever the pattern. */
export function glob(pattern: string): (text: string) => boolean {
  const parts = pattern.split('*')
  const [head = ''] = parts
  const tail = parts.at(-1) ?? ''
  if (parts.length === 1) return (text) => text === pattern
  return (text) => {
    if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false
    let at = head.length
    for (const part of parts.slice(1, -1)) {
      const found = text.indexOf(part, at)
      if (found === -1 || found + part.length > text.length - tail.length) return false
      at = found + part.length
    }
    return true
  }
}
