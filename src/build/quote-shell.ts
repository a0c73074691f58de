/** One word of POSIX shell, whatever the text holds. */
export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
