import { printable } from '../bytes/printable.ts'

/** A request target for logs: without the values of boot tokens, and printable. */
export function redactUrl(url: string): string {
  const queryStart = url.indexOf('?')
  if (queryStart === -1) return printable(url)
  const shown = url
    .slice(queryStart + 1)
    .split('&')
    // A percent-encoded spelling of the name reaches the same parameter.
    .map((parameter) => (/token=|^[^=]*%/i.test(parameter) ? `${parameter.split('=', 1)[0]}=…` : parameter))
  return printable(`${url.slice(0, queryStart)}?${shown.join('&')}`)
}
