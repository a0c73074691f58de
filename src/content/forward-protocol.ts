/*
 * What the boot plane's thread and the main thread say to each other over a MessagePort: every request that is not for
 * a file goes over, and its answer comes back under the same number.
 */

export type HeaderFields = Record<string, string | string[]>

export type ForwardedRequest = {
  id: number
  method: string
  /** As it came, token included: not for logs. */
  url: string
  headers: HeaderFields
  body: Uint8Array
  remoteAddress: string
}

export type ForwardedAnswer = {
  id: number
  status: number
  headers: HeaderFields
  body: Uint8Array
}
