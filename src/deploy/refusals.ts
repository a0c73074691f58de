/** What was asked for does not exist. */
export class NotFound extends Error {
  override readonly name = 'NotFound'
}

/** What was asked for does not fit the state things are in. */
export class Conflict extends Error {
  override readonly name = 'Conflict'
}

/** Who asks may not. */
export class Forbidden extends Error {
  override readonly name = 'Forbidden'
}
