import { volumeCase } from './deploy-volume-ext4.ts'

export const rackCase = volumeCase('xfs', 'uefi')
