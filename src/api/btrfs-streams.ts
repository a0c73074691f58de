import { formatRenditionName } from '../image/renditions/rendition-name.ts'
import type { ImageShelf } from './image-shelf.ts'

/** Send streams for machines, made where there are none. */
export class BtrfsStreams {
  readonly #images: Pick<ImageShelf, 'firstKnown' | 'renditions' | 'makeRendition'>
  /** What is being made, by version and rendition. */
  readonly #making = new Map<string, Promise<void>>()

  constructor(images: Pick<ImageShelf, 'firstKnown' | 'renditions' | 'makeRendition'>) {
    this.#images = images
  }

  /** The first of the versions that a stream can be made against, because the repository still has it. */
  chooseParent(versions: readonly string[]): Promise<string | undefined> {
    return this.#images.firstKnown(versions)
  }

  /**
   * Returns when the stream is there: the whole one, or that against `parent`. Who asks for the same meanwhile waits for the
   * same work, which goes on when nobody waits any more: a machine asks again. Throws JobFailed, NotReady.
   */
  async ensure(version: string, parent: string | undefined): Promise<void> {
    return this.ensureRendition(version, formatRenditionName({ name: 'btrfs', parent }))
  }

  /** The same of any rendition, by its name. */
  async ensureRendition(version: string, rendition: string): Promise<void> {
    const key = `${version} ${rendition}`
    if (!this.#making.has(key) && (await this.#images.renditions(version)).includes(rendition)) return
    let making = this.#making.get(key)
    if (making === undefined) {
      making = this.#images.makeRendition(version, rendition).finally(() => this.#making.delete(key))
      this.#making.set(key, making)
    }
    await making
  }
}
