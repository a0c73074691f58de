/** A symbolic link in a directory that is served leads to a place that is not. */
export class LinkLeavesRoot extends Error {
  override readonly name = 'LinkLeavesRoot'

  constructor(reason: string) {
    super(`Cannot serve a file: ${reason}. Name that directory in the site file (files.alsoBelow), or change the link`)
  }
}
