import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { partitionTypes } from '../../core/partition-types.ts'
import { frameRows } from './frame.ts'
import { crowdedDisks, frameText, menuWorld, pressAll } from './menu.fixture.ts'
import { toldState } from './menu-state.ts'
import { renderPage } from './render-page.ts'
import type { MenuWorld } from './selection.ts'

/** Names as long as the repository allows. */
const crowded = menuWorld({
  machine: 'rack-17-unit-42.blue.data-centre.example.test',
  inventory: { ...menuWorld().inventory, disks: [...crowdedDisks] },
  offer: {
    images: ['web', 'data'].map((role) => ({
      name: `debian-trixie-with-the-hardened-kernel-and-monitoring-for-${role}-1`,
      versions: [
        {
          ...{ id: 'd'.repeat(64), createdAt: Date.UTC(2026, 10, 28), sizeBytes: 9e9, isWholeDisk: false },
          ...{
            tags: ['current', 'proven', 'release-2026-11'],
            comment: `${'what changed since October '.repeat(20)}.`,
          },
        },
      ],
    })),
  },
})

const screens: [string, string, MenuWorld][] = [
  ['main', '', menuWorld()],
  ['main-asking', '', menuWorld({ view: { kind: 'asking' } })],
  ['main-unreachable', '', menuWorld({ view: { kind: 'unreachable', reason: 'connect ECONNREFUSED' } })],
  [
    'main-refused',
    '',
    menuWorld({
      offer: { provision: { kind: 'refused', reason: 'rack-1 is not approved: bootwright machine approve rack-1' } },
    }),
  ],
  ['main-no-disk', '', menuWorld({ inventory: { ...menuWorld().inventory, disks: [] } })],
  ['images', '1', menuWorld()],
  ['versions', '11', menuWorld()],
  ['disks', '111', menuWorld()],
  ['disk-refused', '111<up>', menuWorld()],
  ['layouts-of-an-empty-disk', '1111<end><up>', menuWorld()],
  ['layouts', '1112', menuWorld()],
  ['layouts-of-a-whole-disk-image', '1212<down>', menuWorld()],
  ['roots', '11124', menuWorld()],
  ['filesystems', '111241', menuWorld()],
  ['confirm-whole-disk', '111111', menuWorld()],
  ['confirm-reformat', '1112412ye', menuWorld()],
  ['confirm-receive', '11127', menuWorld()],
  [
    'password',
    '11111' + '1yes<enter>secret',
    menuWorld({ offer: { provision: { kind: 'allowed', needsPassword: true } } }),
  ],
  ['crowded-images', '1<down>', crowded],
  ['crowded-versions', '12', crowded],
  ['crowded-disks', `121${'n'.repeat(13)}`, crowded],
  ['crowded-confirm', `121${'n'.repeat(23)}<enter>11`, crowded],
  ['many-images', `1${'n'.repeat(14)}`, menuWorld({ offer: { images: manyImages() } })],
]

function manyImages() {
  return Array.from({ length: 40 }, (_, index) => ({ name: `image-${index}`, versions: [] }))
}

for (const [name, keys, world] of screens) {
  test(`renderPage() draws ${name}`, (t) => check(t, name, renderPage(pressAll(keys, world).state, world)))
}

test('renderPage() scrolls the picture of a disk with many partitions, and always asks below it', (t) => {
  const world = menuWorld()
  const { table } = world.inventory.disks[1]!
  const more = Array.from({ length: 12 }, (_, index) => {
    const place = { startBytes: (15_000 + index * 1000) * 2 ** 20, sizeBytes: 1000 * 2 ** 20 }
    return { ...place, number: 10 + index, type: partitionTypes.linux, guid: `G${index}` }
  })
  table!.partitions.push(...more)
  check(t, 'confirm-long', renderPage(pressAll('11127', world).state, world))
  check(t, 'confirm-scrolled', renderPage(pressAll('11127<page-down><page-down><down><page-down>', world).state, world))
})

test('renderPage() draws words with a way back', (t) => {
  const state = toldState('The server refused this', `no disk matches\n${'a long reason '.repeat(40)}`)
  check(t, 'told', renderPage(state, menuWorld()))
  const longer = toldState('It failed', Array.from({ length: 40 }, (_, line) => `line ${line}`).join('\n'))
  check(t, 'told-long', renderPage(longer, menuWorld()))
})

function check(t: TestContext, name: string, frame: ReturnType<typeof renderPage>): void {
  assert.ok(frame.rows.length <= frameRows)
  t.assert.fileSnapshot(frameText(frame), join(import.meta.dirname, 'goldens', `${name}.txt`), {
    serializers: [(text) => text],
  })
}
