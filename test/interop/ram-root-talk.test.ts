import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { encodeRamrootOrder } from '../../src/core/ramroot-order.ts'
import { decodeSealingKey, seal } from '../../src/core/seal.ts'
import { needs } from './image/needs.ts'

/*
 * The early system of a version in memory has busybox's sh and the openssl program where the agent has Node: both must read what the
 * server writes.
 */
const scripts = join(import.meta.dirname, '../../src/ramdisk/ram-root')

function sh(directory: string, text: string): string {
  const prelude = `talk=${directory} early=${directory}; fail() { echo "FAILED: $*"; exit 1; }; say() { :; }; . ${scripts}/talk.sh; talk=${directory}\n`
  return execFileSync('busybox', ['sh', '-c', prelude + text], {
    env: { ...process.env, OPENSSL_CONF: '/dev/null' },
  }).toString()
}

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'ram-root-talk-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

test('unseal opens with the openssl program what seal() closed to a key made by it', (t) => {
  if (needs(t, { programs: ['busybox', 'openssl'] })) return
  const directory = temporary(t)
  sh(
    directory,
    'openssl genpkey -algorithm X25519 -out $talk/key.pem; openssl pkey -in $talk/key.pem -pubout -outform DER -out $talk/public.der',
  )
  const recipient = decodeSealingKey(readFileSync(join(directory, 'public.der')).toString('base64'))
  for (const sizeBytes of [1, 16, 17, 100_000]) {
    const plain = randomBytes(sizeBytes)
    writeFileSync(join(directory, 'sealed'), seal(plain, recipient))
    sh(directory, 'unseal $talk/sealed $talk/opened')
    assert.ok(readFileSync(join(directory, 'opened')).equals(plain), `${sizeBytes} bytes`)
  }
})

test('fetch_order takes an order that this site signed for this boot, and no other', (t) => {
  if (needs(t, { programs: ['busybox', 'openssl'] })) return
  const directory = temporary(t)
  const key = generateKeyPairSync('ed25519')
  writeFileSync(join(directory, 'order.pem'), key.publicKey.export({ format: 'pem', type: 'spki' }))
  const text = encodeRamrootOrder({
    ...{
      nonce: 'n1',
      machine: 'rack-1',
      title: 'web:current',
      form: 'squashfs',
      needs: 500,
      overlay: 'tmpfs',
      budget: 256,
    },
    root: { path: '/versions/v/ramroot/squashfs/root.squashfs', sizeBytes: 7, sha256: 'ab', pieces: ['cd', 'ef'] },
    files: '12',
    dataDisks: [{ label: 'data', mount: '/data', disk: 'serial=DISK 1' }],
  })
  const fetched = (signed: string, nonce: string) => {
    writeFileSync(join(directory, 'answer'), signed)
    return sh(
      directory,
      `nonce=${nonce}; card() { echo c; }; ask() { cp $talk/answer "$2"; }; fetch_order; order needs; order size; order piece; order data-disk`,
    )
  }
  const signature = sign(null, Buffer.from(text), key.privateKey).toString('base64')
  assert.equal(fetched(`${text}signature ${signature}\n`, 'n1'), '500\n7\ncd\nef\ndata /data serial=DISK 1\n')
  const refused = (signed: string, nonce: string) => {
    try {
      return fetched(signed, nonce)
    } catch (error) {
      return (error as { stdout: Buffer }).stdout.toString()
    }
  }
  assert.match(refused(`${text}signature ${signature}\n`, 'n2'), /FAILED: the order is for another boot/)
  assert.match(
    refused(`${text.replace('500', '5')}signature ${signature}\n`, 'n1'),
    /FAILED: the order is not signed by this site/,
  )
})
