/** What firmware runs first (shared vocabulary: loader), by the names an operator chooses it with. */
export const loaderNames = ['ipxe', 'grub', 'pxelinux'] as const
export type LoaderName = (typeof loaderNames)[number]
