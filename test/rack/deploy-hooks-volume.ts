import { hooksCase } from './deploy-hooks.ts'

const stored = { name: 'volume', filesystem: 'ext4' } as const

export const rackCase = hooksCase({ rendition: 'volume', firmware: 'uefi', stored })
