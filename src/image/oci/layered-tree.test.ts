import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metadata } from '../tree.ts'
import { type DirectoryNode, type MemberNode, PathRefused } from '../tree-builder.ts'
import { LayeredTree } from './layered-tree.ts'

const metadata: Metadata = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] }

/** Layers as lists of `dir/`, `file`, `name -> target`, `name = hard link's target`; members are told apart by layer. */
function lay(...layers: string[][]): string[] {
  const tree = new LayeredTree()
  for (const [number, members] of layers.entries()) {
    tree.beginLayer()
    for (const member of members) add(tree, member, number)
  }
  return list(tree.builder.root, '').sort()
}

function add(tree: LayeredTree, member: string, layer: number): void {
  const [, link, linkTarget] = /^(\S+) = (\S+)$/.exec(member) ?? []
  const [, symlink, target] = /^(\S+) -> (\S+)$/.exec(member) ?? []
  if (member.endsWith('/')) tree.addDirectory(member.slice(0, -1), metadata)
  else if (symlink) tree.addMember(symlink, { type: 'symlink', target: target!, ...metadata })
  else if (link) tree.addMember(link, tree.findMember(linkTarget!)!)
  else tree.addMember(member, { type: 'file', content: undefined, ...metadata, mode: layer })
}

function list(directory: DirectoryNode, path: string): string[] {
  return [...directory.children].flatMap(([name, node]) => {
    if (node.type === 'directory') return [`${path}${name}/`, ...list(node, `${path}${name}/`)]
    return [`${path}${name}${describe(node)}`]
  })
}

function describe(node: MemberNode): string {
  return node.type === 'symlink' ? ` -> ${node.target}` : ` of layer ${node.mode}`
}

const cases: [string, string[][], string[]][] = [
  ['a whiteout hides a file of an earlier layer', [['a', 'b'], ['.wh.a']], ['b of layer 0']],
  ['a whiteout hides a directory with all in it', [['d/', 'd/e/', 'd/e/f', 'g'], ['.wh.d']], ['g of layer 0']],
  ['a whiteout of nothing is nothing', [['a'], ['.wh.b', 'x/.wh.c']], ['a of layer 0']],
  [
    'a whiteout before what its own layer puts there',
    [
      ['d/', 'd/old'],
      ['.wh.d', 'd/', 'd/new'],
    ],
    ['d/', 'd/new of layer 1'],
  ],
  [
    'a whiteout behind what its own layer puts there',
    [
      ['d/', 'd/old'],
      ['d/', 'd/new', '.wh.d'],
    ],
    ['d/', 'd/new of layer 1'],
  ],
  ['a whiteout behind a file of its own layer', [['a'], ['a', '.wh.a']], ['a of layer 1']],
  ['a file hidden in one layer comes back in the next', [['a'], ['.wh.a'], ['a']], ['a of layer 2']],
  [
    'an opaque directory keeps what is in its own layer, wherever the marker stands',
    [
      ['d/', 'd/old', 'd/e/', 'd/e/old'],
      ['d/', 'd/a', 'd/e/', 'd/e/new', 'd/.wh..wh..opq', 'd/z'],
    ],
    ['d/', 'd/a of layer 1', 'd/e/', 'd/e/new of layer 1', 'd/z of layer 1'],
  ],
  [
    'an opaque root',
    [
      ['a', 'd/', 'd/b'],
      ['.wh..wh..opq', 'c'],
    ],
    ['c of layer 1'],
  ],
  [
    'an opaque directory that no earlier layer has',
    [['a'], ['d/.wh..wh..opq', 'd/b']],
    ['a of layer 0', 'd/', 'd/b of layer 1'],
  ],
  [
    "AUFS's own names are no files",
    [['a'], ['.wh..wh.plnk/', '.wh..wh.plnk/1.2', '.wh..wh.aufs', 'b']],
    ['a of layer 0', 'b of layer 1'],
  ],
  ['a file takes the place of a full directory', [['d/', 'd/x/', 'd/x/y'], ['d']], ['d of layer 1']],
  ['a directory takes the place of a file', [['d'], ['d/', 'd/x']], ['d/', 'd/x of layer 1']],
  [
    'a directory takes the place of a symlink to one',
    [
      ['r/', 'd -> r', 'r/x'],
      ['d/', 'd/y'],
    ],
    ['d/', 'd/y of layer 1', 'r/', 'r/x of layer 0'],
  ],
  [
    'a path through a symlink of an earlier layer',
    [['usr/', 'usr/lib/', 'lib -> usr/lib'], ['lib/x']],
    ['lib -> usr/lib', 'usr/', 'usr/lib/', 'usr/lib/x of layer 1'],
  ],
  ['a whiteout through a symlink', [['usr/', 'usr/x', 'l -> /usr'], ['l/.wh.x']], ['l -> /usr', 'usr/']],
  [
    'a symlink out of the tree ends at its root',
    [['l -> ../../../etc', 'etc/'], ['l/x']],
    ['etc/', 'etc/x of layer 1', 'l -> ../../../etc'],
  ],
  ['a hard link to a file of an earlier layer', [['a'], ['b = a', '.wh.a']], ['b of layer 0']],
  ['one of two hard links replaced', [['a', 'b = a'], ['a']], ['a of layer 1', 'b of layer 0']],
]
for (const [what, layers, expected] of cases) {
  test(`LayeredTree: ${what}`, () => assert.deepEqual(lay(...layers), expected))
}

test('LayeredTree refuses paths that climb, loops of symlinks and a file in the place of its own directory', () => {
  assert.throws(() => lay(['../x']), PathRefused)
  assert.throws(() => lay(['d/../x']), PathRefused)
  assert.throws(() => lay(['a -> b', 'b -> a'], ['a/x']), /too many symlinks/)
  assert.throws(() => lay(['d/', 'd/x', 'd']), /cannot replace a directory/)
})
