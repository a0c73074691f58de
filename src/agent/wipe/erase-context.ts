export type EraseContext = {
  signal: AbortSignal
  /** How much of it is done, 0 to 1. */
  onShare: (share: number) => void
}

/** What a drive says of an erase that it did not do. */
export class DeviceDidNotErase extends Error {
  override readonly name = 'DeviceDidNotErase'
}
