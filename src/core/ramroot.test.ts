import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Inventory } from './inventory.ts'
import {
  chooseRamrootVersion,
  failedInARow,
  memoryNeeded,
  type RamrootBoot,
  ramrootAdvice,
  ramrootRefusal,
} from './ramroot.ts'

const mebibyte = 1024 * 1024

function boots(...states: RamrootBoot['state'][]): RamrootBoot[] {
  return states.map((state, at) => ({
    ...{
      id: `${at}`,
      machineId: 'm',
      image: 'web',
      version: 'v',
      rendition: 'squashfs',
      bytesFetched: 0,
      startedAt: -at,
    },
    state,
  }))
}

const rows: [RamrootBoot['state'][], number][] = [
  [[], 0],
  [['up'], 0],
  [['failed', 'silent', 'up', 'failed'], 2],
  [['loading', 'failed'], 1],
  [['starting', 'up', 'failed'], 0],
]
for (const [states, expected] of rows) {
  test(`failedInARow() of ${states.join(', ') || 'no boot'} is ${expected}`, () => {
    assert.equal(failedInARow(boots(...states), 'v'), expected)
    assert.equal(failedInARow(boots(...states), 'another'), 0)
  })
}

const sizes = { contentBytes: 300 * mebibyte, rootBytes: 70 * mebibyte, loadedBytes: 20 * mebibyte }

test('memoryNeeded() counts the packed root and what may be written, or the unpacked root twice over', () => {
  assert.equal(memoryNeeded({ ...sizes, rendition: 'squashfs' }, {}), 70 + 256 + 160)
  assert.equal(memoryNeeded({ ...sizes, rendition: 'squashfs' }, { overlayMegabytes: 64 }), 70 + 64 + 160)
  assert.equal(memoryNeeded({ ...sizes, rendition: 'initrd' }, {}), 600)
})

test('ramrootRefusal() speaks where the inventory says too little, and leaves the unknown to the machine itself', () => {
  const having = (megabytes: number) => ({ memoryBytes: megabytes * mebibyte }) as Inventory
  const choice = { image: 'web', rendition: 'initrd' } as const
  const initrd = { ...sizes, rendition: 'initrd' } as const
  assert.equal(ramrootRefusal(undefined, initrd, choice), undefined)
  assert.equal(ramrootRefusal(having(600), initrd, choice), undefined)
  assert.match(
    ramrootRefusal(having(500), initrd, choice)!,
    /web as initrd needs 600 MiB of memory and this machine has 500 MiB; as squashfs/,
  )
})

test('ramrootAdvice() recommends squashfs above 300 MB', () => {
  assert.match(ramrootAdvice({ ...sizes, rendition: 'initrd' })!, /squashfs is recommended/)
  assert.equal(ramrootAdvice({ ...sizes, rendition: 'squashfs' }), undefined)
  assert.equal(ramrootAdvice({ ...sizes, rendition: 'initrd', contentBytes: 299e6 }), undefined)
})

test('chooseRamrootVersion() leaves a version that did not come up three times, for one that has not', () => {
  const both = { wanted: 'v', previous: 'before' }
  const of = (version: string, ...states: RamrootBoot['state'][]) =>
    boots(...states).map((boot) => ({ ...boot, version }))
  const choose = (history: RamrootBoot[], choice: Parameters<typeof chooseRamrootVersion>[0] = both) =>
    chooseRamrootVersion(choice, history).version
  assert.equal(choose(of('v', 'silent', 'failed')), 'v')
  const failed = of('v', 'silent', 'failed', 'silent', 'up')
  const { version, because } = chooseRamrootVersion(both, failed)
  assert.equal(version, 'before')
  assert.match(because ?? '', /^v did not come up 3 times in a row/)
  assert.equal(choose(of('v', 'starting', 'silent', 'silent')), 'before', 'who asks anew did not come up')
  assert.equal(choose(of('v', 'loading', 'silent')), 'v')
  assert.equal(choose([...of('before', 'up', 'up'), ...failed]), 'before', 'it stays with it')
  assert.equal(
    choose([...of('before', 'up'), ...failed], { wanted: 'newer', previous: 'v' }),
    'newer',
    'the tag was moved',
  )
  assert.equal(choose([...of('before', 'failed', 'failed', 'silent'), ...failed]), 'v', 'the one before is no better')
  assert.equal(choose(failed, { wanted: 'v', previous: undefined }), 'v')
  assert.equal(choose(failed, { wanted: 'v', previous: 'v' }), 'v')
})
