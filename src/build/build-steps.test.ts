import assert from 'node:assert/strict'
import test from 'node:test'
import type { Release } from './apt-sources.ts'
import { type BuildProgress, StepFollower } from './build-steps.ts'

const release: Release = {
  uri: 'http://mirror.example/debian',
  suite: 'bookworm-security',
  components: ['main'],
  inReleaseSha256: 'a'.repeat(64),
  dateSeconds: 1,
}

test('StepFollower.follow() names the step from what the build prints', () => {
  const seen: BuildProgress[] = []
  const follower = new StepFollower((progress) => seen.push(progress))
  assert.equal(follower.follow('I: downloading packages with apt...'), true)
  assert.equal(follower.follow('Get:1 something'), false)
  assert.equal(follower.follow('bootwright-step: run command 1 of 1: true'), true)
  assert.deepEqual(
    seen.map(({ step }) => step),
    ['download packages', 'run command 1 of 1: true'],
  )
  assert.equal(follower.step, 'run command 1 of 1: true')
})

test('StepFollower.packages() lists what was installed, by name', () => {
  const follower = new StepFollower(() => {})
  follower.follow('bootwright-package: zstd 1.5')
  follower.follow('bootwright-package: bash 5.2')
  assert.deepEqual(follower.packages(), [
    { name: 'bash', version: '5.2' },
    { name: 'zstd', version: '1.5' },
  ])
})

test('StepFollower.useReleases() believes what the build fetched over what was looked up before', () => {
  const follower = new StepFollower(() => {})
  assert.deepEqual(follower.useReleases([release]), [release])
  const path = '/var/lib/apt/lists/mirror.example_debian_dists_bookworm-security_InRelease'
  follower.follow(`bootwright-release: ${'b'.repeat(64)} ${path}`)
  assert.equal(follower.useReleases([release])[0]?.inReleaseSha256, 'b'.repeat(64))
})

test('StepFollower.follow() tells every quarter of the packages', () => {
  const details: (string | undefined)[] = []
  const follower = new StepFollower(({ detail }) => details.push(detail))
  follower.follow('0 upgraded, 8 newly installed, 0 to remove and 0 not upgraded.')
  for (let count = 0; count < 8; count++) follower.follow(`Setting up package-${count} (1.0) ...`)
  assert.deepEqual(
    details,
    [2, 4, 6].map((count) => `${count} of 8 packages are set up`),
  )
})
