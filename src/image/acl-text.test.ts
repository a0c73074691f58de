import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { encodeAclText } from './acl-text.ts'

/** As `getfattr -e hex` shows what setfacl made of `u:1000:rwx,g:7:r,m:rx` on a file of mode 644. */
const fromTheKernel =
  '0200000001000600ffffffff02000700e803000004000400ffffffff080004000700000010000500ffffffff20000400ffffffff'

for (const [what, text] of [
  ["GNU tar's", 'user::rw-,user:1000:rwx,group::r--,group:7:r--,mask::r-x,other::r--'],
  ["libarchive's, with names", 'user::rw-,group::r--,other::r--,user:joe:rwx:1000,group:lp:r--:7,mask::r-x'],
  [
    'the long form, by lines',
    'user::rw-\nuser:1000:rwx\t#effective:r-x\ngroup::r--\ngroup:7:r--\nmask::r-x\nother::r--\n',
  ],
  ['the short form', 'u::rw-,u:1000:rwx,g::r--,g:7:r--,m:r-x,o:r--'],
] as const) {
  test(`encodeAclText() reads ${what}`, () => {
    assert.equal(encodeAclText(text, 'access')?.toString('hex'), fromTheKernel)
  })
}

test('encodeAclText() makes no attribute of what the mode says already, but of a default ACL', () => {
  assert.equal(encodeAclText('user::rw-,group::r--,other::r--', 'access'), undefined)
  assert.equal(encodeAclText('', 'default'), undefined)
  assert.equal(encodeAclText('user::rwx,group::r-x,other::---', 'default')?.length, 28)
})

test('encodeAclText() refuses names without numbers, and what is no ACL', () => {
  assert.throws(() => encodeAclText('user:joe:rwx', 'access'), /"user:joe:rwx" has a name.*--xattrs-include/)
  for (const text of ['nonsense', 'user:5', 'user:5:rwz', 'user:4294967295:rwx', 'owner@:rwx:allow']) {
    assert.throws(() => encodeAclText(text, 'access'), DecodeError)
  }
})
