import { makeRendition } from '../../src/cli/rack/make-rendition.ts'
import {
  whenDone,
  whenFirstBooting,
  whenPartDone,
  whenStarted,
  whenWritten,
} from '../../src/cli/rack/power-cut-moments.ts'
import { powerCutCase } from './deploy-power-cut.ts'

/** A layout that receives keeps what is there from one attempt to the next; this one makes the pool in each. */
export const rackCase = powerCutCase({
  name: 'deploy-power-cut-btrfs',
  what: 'a version received into a btrfs',
  firmware: 'bios',
  request: { rendition: 'btrfs', layout: 'versions' },
  prepare: (supplies, log) => makeRendition(supplies, supplies.image, { name: 'btrfs' }, log),
  moments: [
    whenDone('partition'),
    whenDone('make-filesystems'),
    whenPartDone('write', 0.1),
    whenPartDone('write', 0.4),
    whenPartDone('write', 0.9),
    whenStarted('identity'),
    whenStarted('boot-loader'),
    whenDone('boot-loader'),
    whenWritten,
    whenFirstBooting,
  ],
})
