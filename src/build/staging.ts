/** Where the builder's own things stand inside the new system while it is made; gone from the result. */
export const stagingPath = '/bootwright-build'
/** A layer's own package sources, out of the way of those it is built with. */
export const baseSourcesPath = '/bootwright-base-sources'
/** Begins the lines by which the script says what it does now. */
export const stepMarker = 'bootwright-step: '
/** Begins the lines that name an installed package, `name version`. */
export const packageMarker = 'bootwright-package: '
/** Begins the lines, `digest path`, that tell which InRelease files the packages really came from. */
export const releaseMarker = 'bootwright-release: '
