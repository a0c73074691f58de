/** A machine's firmware, loader or agent has tried as often as it does, and stops. */
export class GaveUp extends Error {
  override readonly name = 'GaveUp'
}
