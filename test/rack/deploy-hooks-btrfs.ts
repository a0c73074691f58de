import { hooksCase } from './deploy-hooks.ts'

export const rackCase = hooksCase({
  ...{ rendition: 'btrfs', firmware: 'bios', layout: 'versions' },
  stored: { name: 'btrfs' },
})
