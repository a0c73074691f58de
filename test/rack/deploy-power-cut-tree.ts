import {
  whenDone,
  whenFirstBooting,
  whenPartDone,
  whenStarted,
  whenWritten,
} from '../../src/cli/rack/power-cut-moments.ts'
import { powerCutCase } from './deploy-power-cut.ts'

/** Under UEFI, where the loader lies on a FAT filesystem, which has no journal. */
export const rackCase = powerCutCase({
  name: 'deploy-power-cut-tree',
  what: 'a tree (UEFI)',
  firmware: 'uefi',
  request: { rendition: 'tree', filesystem: 'ext4' },
  moments: [
    whenDone('partition'),
    whenDone('make-filesystems'),
    whenPartDone('write', 0.1),
    whenPartDone('write', 0.4),
    whenPartDone('write', 0.9),
    whenPartDone('verify', 0.5),
    whenStarted('boot-loader'),
    whenDone('boot-loader'),
    whenWritten,
    whenFirstBooting,
  ],
})
