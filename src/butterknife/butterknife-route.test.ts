import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ButterknifeRoute, routeButterknife } from './butterknife-route.ts'

const missing = { kind: 'missing' } as const
const stream = { kind: 'stream', image: 'debian', snapshot: 'snap7' } as const
const rows: [string, ButterknifeRoute][] = [
  ['/api/container/', { kind: 'containers' }],
  ['/api//container/', { kind: 'containers' }],
  ['//api//container', { kind: 'containers' }],
  ['http://butterknife/api/container/?unicode=x', { kind: 'containers' }],
  ['/api/container/debian/', { kind: 'container', image: 'debian' }],
  ['/api//container/debian/snapshot/', { kind: 'snapshots', image: 'debian' }],
  ['/api/container/debian/snapshot/snap7/stream', stream],
  ['/api/container/debian/snapshot/snap7/stream/', stream],
  ['/api/container/debian/snapshot/snap7/stream?parent=snap3', { ...stream, parent: 'snap3' }],
  ['/api/container/debian/snapshot/snap7/stream?src=', { ...stream, src: '' }],
  ['/api/container/debian/snapshot/snap7/stream?src=snap3,snap5,', { ...stream, src: 'snap3,snap5,' }],
  ['/api/container/%2e%2e/', { kind: 'container', image: '..' }],
  ['/api/container/debian/snapshot/snap7', missing],
  ['/api/container/debian/snapshot/snap7/stream/more', missing],
  ['/api/container/debian/other/', missing],
  ['/api/container/%ff/', missing],
  ['/api/template/', missing],
  ['/', missing],
  ['', missing],
]
for (const [target, expected] of rows) {
  test(`routeButterknife() takes ${target} for ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(routeButterknife(target), expected)
  })
}
