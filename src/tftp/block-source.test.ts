import assert from 'node:assert/strict'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { netasciiSource, octetSource } from './block-source.ts'

async function readAll(content: string, makeSource: typeof octetSource, bufferBytes: number): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'block-source-'))
  try {
    await writeFile(join(directory, 'file'), content, 'latin1')
    await using file = await open(join(directory, 'file'))
    const source = makeSource(file.fd)
    let text = ''
    while (true) {
      const buffers = [Buffer.alloc(bufferBytes), Buffer.alloc(bufferBytes)]
      const bytes = source.fill(buffers)
      text += Buffer.concat(buffers).toString('latin1', 0, bytes)
      if (bytes < 2 * bufferBytes) return text
    }
  } finally {
    await rm(directory, { recursive: true })
  }
}

for (const bufferBytes of [1, 3, 7, 5000]) {
  test(`octetSource() gives the file as it is in buffers of ${bufferBytes}`, async () => {
    assert.equal(await readAll('a\nb\r\n\0\xff', octetSource, bufferBytes), 'a\nb\r\n\0\xff')
  })

  test(`netasciiSource() writes CR LF and CR NUL in buffers of ${bufferBytes}`, async () => {
    assert.equal(await readAll('a\nb\rc\r\n\n', netasciiSource, bufferBytes), 'a\r\nb\r\0c\r\0\r\n\r\n')
  })
}

test('netasciiSource() goes on beyond one read', async () => {
  const text = 'line\n'.repeat(10_000)
  assert.equal(await readAll(text, netasciiSource, 512), text.replaceAll('\n', '\r\n'))
})
