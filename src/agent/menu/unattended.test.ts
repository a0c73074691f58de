import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../../bytes/decode-error.ts'
import { unattendedChoice } from './unattended.ts'

test('unattendedChoice() reads image, disk, layout and filesystem', () => {
  const line =
    'bootwright.server=http://a bootwright.image=debian:candidate bootwright.disk=serial=S1,minBytes=5 bootwright.layout=reformat bootwright.filesystem=xfs bootwright.again'
  assert.deepEqual(unattendedChoice(line), {
    ...{ image: 'debian:candidate', disk: { serial: 'S1', minBytes: 5 }, layout: 'reformat', filesystem: 'xfs' },
    ...{ transfer: 'http', unattended: true, again: true },
  })
})

test('unattendedChoice() takes the whole of the only fixed disk where nothing else is said, and nothing without an image', () => {
  assert.deepEqual(unattendedChoice('bootwright.image=debian quiet'), {
    ...{ image: 'debian', disk: {}, layout: 'whole-disk', transfer: 'http', unattended: true },
  })
  assert.equal(unattendedChoice('bootwright.server=http://a bootwright.disk=serial=S1'), undefined)
})

test('unattendedChoice() refuses what it does not know, and names the argument', () => {
  const refused = (words: string, message: RegExp) =>
    assert.throws(
      () => unattendedChoice(`bootwright.image=debian ${words}`),
      (error) => {
        assert.ok(error instanceof DecodeError)
        assert.match(error.message, message)
        return true
      },
    )
  refused('bootwright.disk=S1', /bootwright\.disk=: "S1" is not name=value/)
  refused('bootwright.disk=colour=red', /bootwright\.disk= is not right/)
  refused('bootwright.disk=minBytes=many', /bootwright\.disk= is not right/)
  refused('bootwright.filesystem=ntfs', /bootwright\.filesystem= is not right/)
})
