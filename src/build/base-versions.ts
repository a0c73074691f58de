import type { ForeignSource } from './recipe.ts'

/** The versions that recipes build on, as the store of images has them. */
export interface BaseVersions {
  /** The id of the version that a reference means. Throws ReferenceUnknown. */
  resolve(reference: string): Promise<string>
  /** Makes a version of it, and gives its id; the same source gives the same id. Throws ImageSourceInvalid. */
  import(source: ForeignSource): Promise<string>
  /** Its files as a pax tar. `hasDpkg`: whether dpkg has installed anything there. */
  writeTar(version: string, path: string): Promise<{ hasDpkg: boolean }>
}
