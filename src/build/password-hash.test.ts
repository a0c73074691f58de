import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, matchesPassword } from './password-hash.ts'

/** As `openssl passwd -6 -salt saltstring` writes "Hello world!". */
const sha512 = '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1'

test('matchesPassword() knows the password of a hash by SHA-512 and by yescrypt, and no other', async () => {
  const yescrypt = await hashPassword('Hello world!', 'a test')
  for (const hash of [sha512, yescrypt]) {
    assert.equal(await matchesPassword('Hello world!', hash), true)
    for (const wrong of ['', 'hello world!', 'Hello world! ', 'Hello world!\n', 'Hello world!\nx']) {
      assert.equal(await matchesPassword(wrong, hash), false, JSON.stringify(wrong))
    }
  }
})

test('matchesPassword() takes what is no hash for no password', async () => {
  for (const broken of ['', '*', '!', '$6$', 'plain'])
    assert.equal(await matchesPassword('plain', broken), false, broken)
})
