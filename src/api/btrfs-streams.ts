import { stat } from 'node:fs/promises'
import { formatRenditionName } from '../image/renditions/rendition-name.ts'
import { renditionFile, versionFile } from '../image/repository-layout.ts'
import type { ImageShelf } from './image-shelf.ts'
import { endOf } from './job-end.ts'

/** Send streams for machines, made where there are none. */
export class BtrfsStreams {
  readonly #imageDirectory: string
  readonly #images: Pick<ImageShelf, 'start'>
  /** What is being made, by version and rendition. */
  readonly #making = new Map<string, Promise<void>>()

  constructor(imageDirectory: string, images: Pick<ImageShelf, 'start'>) {
    this.#imageDirectory = imageDirectory
    this.#images = images
  }

  /** The first of the versions that the repository still has: a stream against it can be made. */
  async chooseParent(versions: readonly string[]): Promise<string | undefined> {
    for (const version of versions) {
      if (await isThere(versionFile(this.#imageDirectory, version, 'manifest'))) return version
    }
    return undefined
  }

  /**
   * Returns when the stream is there: the whole one, or that against `parent`. Who asks for the same meanwhile waits for the
   * same work, which goes on when nobody waits any more: a machine asks again. Throws JobFailed, NotReady.
   */
  async ensure(version: string, parent: string | undefined): Promise<void> {
    const rendition = formatRenditionName({ name: 'btrfs', parent })
    const key = `${version} ${rendition}`
    let making = this.#making.get(key)
    if (making === undefined) {
      if (await isThere(renditionFile(this.#imageDirectory, version, rendition, 'manifest'))) return
      making = this.#making.get(key) ?? this.#make(version, rendition).finally(() => this.#making.delete(key))
      this.#making.set(key, making)
    }
    await making
  }

  async #make(version: string, rendition: string): Promise<void> {
    await endOf(this.#images.start({ kind: 'rendition', version, rendition }))
  }
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
