import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { readyLayouts } from '../core/ready-layouts.ts'
import { YamlFileInvalid } from '../core/yaml-file.ts'
import { parseLayout } from './layout-file.ts'

test('parseLayout() reads back what `layout show` prints', () => {
  for (const layout of readyLayouts) assert.deepEqual(parseLayout(stringify(layout), 'x.yaml'), layout)
})

const wrong: [string, string, string][] = [
  ['a YAML error', 'name: a\ntable: b: c\n', 'x.yaml:2:8: Nested mappings are not allowed in compact mappings'],
  ['a missing part', 'name: a\ntable: new\n', 'x.yaml:1:1: must have required properties partitions'],
  [
    'an unknown name',
    'name: a\ntable: new\npartitions:\n  - role: root\n    sise: 1 GiB\n',
    'x.yaml:5:5: partitions.0.sise: there is no such name in a layout',
  ],
  [
    'a wrong choice',
    'name: a\ntable: new\npartitions:\n  - role: rooot\n',
    'x.yaml:4:5: partitions.0.role: it is one of bios-boot, esp, root, swap, data',
  ],
  [
    'a size that is none',
    'name: a\ntable: new\npartitions:\n  - role: root\n  - role: swap\n    size: 4G\n',
    'x.yaml:6:5: partitions.1.size: it does not have the form it needs (Of a new partition: "100 MiB", "20 GiB", or "rest": what is left of the free space)',
  ],
  [
    'a rule between parts',
    'name: a\ntable: new\npartitions:\n  - role: root\n    find: { label: x }\n',
    'x.yaml:5:5: partitions.0.find: a new table has no existing partitions; say table: kept',
  ],
]

for (const [what, text, expected] of wrong) {
  test(`parseLayout() points at the line and column of ${what}`, () => {
    assert.throws(
      () => parseLayout(text, 'x.yaml'),
      (error) => {
        assert.ok(error instanceof YamlFileInvalid)
        assert.deepEqual(error.problems, [expected])
        return true
      },
    )
  })
}

test('parseLayout() refuses aliases that unfold without end', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x, x]',
    ...'bcdef'.split('').map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdef'[index]}`)}]`),
  ]
  assert.throws(() => parseLayout(bomb.join('\n'), 'x.yaml'), YamlFileInvalid)
})
