/**
 * What firmware runs first (shared vocabulary: loader), by the names an operator chooses it with. `shim` is the chain for
 * Secure Boot: shim, Debian's signed GRUB, Debian's signed kernel.
 */
export const loaderNames = ['ipxe', 'grub', 'pxelinux', 'shim'] as const
export type LoaderName = (typeof loaderNames)[number]
