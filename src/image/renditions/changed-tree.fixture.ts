import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { writePathTimes } from '../../linux/file-times.ts'
import { removeXattr, writeXattr } from '../../linux/xattr.ts'

/** Changes a tree of makeNastyTree() in each way that a new version of an image may. Needs root. */
export function changeNastyTree(directory: string): void {
  const at = (name: string) => path.join(directory, name)
  changeContents(at)
  changeNames(at)
  changeMetadata(at)
}

type At = (name: string) => string

function changeContents(at: At): void {
  fs.writeFileSync(at('sizes/size-513'), 'shorter')
  fs.appendFileSync(at('sizes/copy-3'), ' and more')
  fs.truncateSync(at('sizes/size-262145'), 100) // a hard link too, and large before
  fs.appendFileSync(at('sizes/size-511'), Buffer.alloc(400_000, 'large now'))
  const large = fs.openSync(at('sizes/size-786449'), 'r+')
  fs.writeSync(large, 'in the middle', 300_000)
  fs.closeSync(large)
  fs.appendFileSync(at('sparse/middle'), 'behind')
  fs.writeFileSync(at('links/a-then-linked'), 'under all its names')
}

function changeNames(at: At): void {
  fs.rmSync(at('random'), { recursive: true })
  fs.mkdirSync(at('random/new/below'), { recursive: true })
  fs.writeFileSync(at('random/new/below/file'), 'new')
  fs.rmSync(at('deep'), { recursive: true })
  fs.writeFileSync(at('deep'), 'a file where a directory was')
  fs.rmSync(at('special/null'))
  fs.mkdirSync(at('special/null'))
  fs.linkSync(at('links/empty'), at('metadata/sticky/one-more-name'))
  fs.rmSync(at('links/outward-too'))
  fs.rmSync(at('links/dangling'))
  fs.symlinkSync('somewhere', at('links/dangling'))
  fs.rmSync(at('special/big-minor'))
  execFileSync('mknod', [at('special/big-minor'), 'b', '259', '200001'])
  fs.writeFileSync(at('metadata/sticky/inherits-no-acl-in-the-version'), '')
}

function changeMetadata(at: At): void {
  fs.chmodSync(at('metadata/setuid'), 0o600)
  fs.chownSync(at('metadata/closed'), 1, 2)
  execFileSync('setfacl', ['-b', at('metadata/acl')])
  execFileSync('setcap', ['cap_net_admin+ep', at('metadata/capability')])
  removeXattr(at('metadata/xattrs'), 'user.binary')
  writeXattr(at('metadata/xattrs'), 'user.empty', Buffer.from('no more'))
  writeXattr(at('links'), 'user.of-a-directory', Buffer.from('value'))
  fs.chmodSync(at('metadata/read-only'), 0o700)
  fs.lchownSync(at('metadata/owned-link'), 0, 5)
  writePathTimes(at('metadata/owned-link'), 7, 8)
}

/** Two descriptions of describeWithTools(); links of a directory, and XFS's second name of an ACL, are up to the filesystem. */
export function assertSameDescription(actual: string, expected: string): void {
  const lines = (text: string) =>
    text
      .split('\n')
      .filter((line) => !line.startsWith('trusted.SGI_ACL_'))
      .map((line) => line.replace(/^(d \S+ \S+ \S+ \S+) \d+ /, '$1 '))
      .sort()
  const [found, wanted] = [new Set(lines(actual)), new Set(lines(expected))]
  const differences = [
    ...[...wanted.difference(found)].map((line) => `missing: ${line.slice(0, 200)}`),
    ...[...found.difference(wanted)].map((line) => `too much: ${line.slice(0, 200)}`),
  ]
  assert.deepEqual(differences.slice(0, 20), [])
}
