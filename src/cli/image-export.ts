import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { ServiceError } from './client.ts'
import { findVersion, type Shared, serviceOf, sharedCommand } from './image-service.ts'
import { formatBytes, printJson } from './output.ts'
import { ProgressBar } from './progress-bar.ts'

export function exportCommand(): Command {
  return sharedCommand('export <version> <file>')
    .description(
      "writes a version (NAME, NAME:TAG or NAME@VERSION) as one file, - for standard output, that 'image import --file' takes",
    )
    .action(exportVersion)
}

async function exportVersion(reference: string, file: string, options: Shared): Promise<void> {
  const client = serviceOf(options)
  const { image, id, path: versionPath } = await findVersion(client, reference)
  const { body, sizeBytes } = await client.bytes(`${versionPath}/archive`)
  const counter = new Counter(sizeBytes)
  try {
    if (file === '-') await pipeline(body, counter, process.stdout, { end: false })
    else await writeWhole(file, body, counter)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ECONNRESET') throw cause
    throw new ServiceError('the service could not send it to its end; its log says why', undefined, cause)
  } finally {
    counter.bar.clear()
  }
  const said = { image, version: id, file, sizeBytes: counter.bytes, sha256: counter.sha256() }
  // Standard output may be the archive itself.
  if (options.json) file === '-' ? process.stderr.write(`${JSON.stringify(said)}\n`) : printJson(said)
  else process.stderr.write(`${image}@${id.slice(0, 12)}: ${formatBytes(counter.bytes)}, sha256 ${said.sha256}\n`)
}

/** Written aside and renamed: a file of this name is complete. */
async function writeWhole(file: string, body: AsyncIterable<Buffer>, counter: Counter): Promise<void> {
  const aside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`)
  try {
    await pipeline(body, counter, createWriteStream(aside, { flags: 'wx' }))
    await using handle = await open(aside, 'r')
    await handle.sync()
    await rename(aside, file)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

class Counter extends Transform {
  readonly bar = new ProgressBar()
  bytes = 0
  readonly #hash = createHash('sha256')
  readonly #sizeBytes: number | undefined

  constructor(sizeBytes: number | undefined) {
    super()
    this.#sizeBytes = sizeBytes
  }

  override _transform(bytes: Buffer, _encoding: string, callback: (error: null, bytes: Buffer) => void): void {
    this.bytes += bytes.length
    this.#hash.update(bytes)
    this.bar.update('export', this.bytes, this.#sizeBytes)
    callback(null, bytes)
  }

  sha256(): string {
    return this.#hash.digest('hex')
  }
}
