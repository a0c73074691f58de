import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { ImageSourceInvalid, type ImportNotice } from '../../../src/image/image-source.ts'
import { importDirectory } from '../../../src/image/import-directory.ts'
import { temporaryDirectory } from '../../../src/image/nasty-tree.fixture.ts'
import { openRepository, type Repository, readTree } from '../../../src/image/repository.ts'
import { openSigningKey, type SigningKey } from '../../../src/image/signing-key.ts'

/** A repository of a test's own, and the shell in the directory beside it. */
export class ImageSetting {
  readonly directory: string
  readonly repository: Repository
  readonly key: SigningKey
  readonly notices: ImportNotice[] = []
  readonly #undo: (() => void)[]

  private constructor(directory: string, repository: Repository, key: SigningKey, undo: (() => void)[]) {
    this.directory = directory
    this.repository = repository
    this.key = key
    this.#undo = undo
  }

  static async open(t: TestContext): Promise<ImageSetting> {
    const undo: (() => void)[] = []
    t.after(() => {
      for (const step of undo.reverse()) step()
    }) // before the directory goes
    const directory = temporaryDirectory(t)
    const repository = await openRepository(path.join(directory, 'repository'))
    const key = await openSigningKey(path.join(directory, 'keys'))
    return new ImageSetting(directory, repository, key, undo)
  }

  /** Of every import; what it says is left out is gathered. */
  get options() {
    return { image: 'test', signingKey: this.key, onNotice: (notice: ImportNotice) => this.notices.push(notice) }
  }

  path(name: string): string {
    return path.join(this.directory, name)
  }

  run(script: string): string {
    const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe']
    const options = { cwd: this.directory, stdio, maxBuffer: 1 << 28 }
    return execFileSync('bash', ['-euo', 'pipefail', '-c', script], options).toString()
  }

  /** A new filesystem in a file NAME.img, mounted until the test ends. */
  mountNew(name: string, type: 'ext4' | 'xfs' | 'btrfs', mountOptions = 'loop'): string {
    const make = { ext4: 'mkfs.ext4 -q', xfs: 'mkfs.xfs -q', btrfs: 'mkfs.btrfs -q' }[type]
    this.run(`truncate -s 600M ${name}.img && ${make} ${name}.img && mkdir ${name}`)
    this.mount(`-o ${mountOptions} ${name}.img ${name}`, name)
    return this.path(name)
  }

  mount(argumentsOfMount: string, at: string): void {
    this.run(`mount ${argumentsOfMount}`)
    this.defer(() => this.unmount(at))
  }

  /** Again for one that is unmounted does nothing. */
  unmount(at: string): void {
    this.run(`! mountpoint -q ${at} || umount ${at}`)
  }

  /** At the end of the test, the last one first. */
  defer(step: () => void): void {
    this.#undo.push(step)
  }

  async idOfDirectory(name: string): Promise<string> {
    const options = { ...this.options, image: 'expected', onNotice: undefined }
    return (await importDirectory(this.repository, path.resolve(this.directory, name), options)).id
  }

  /** Compares two versions, and shows the entries in which they differ. */
  async assertSameVersion(id: string, expected: string): Promise<void> {
    if (id === expected) return
    const [ours, theirs] = await Promise.all([id, expected].map((version) => readTree(this.repository, version)))
    assert.deepEqual(ours!.entries, theirs!.entries)
    assert.fail('the trees are equal but for their contents')
  }

  async assertRefused(refused: Promise<unknown>, expected: RegExp): Promise<void> {
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof ImageSourceInvalid, `${(error as Error).stack}`)
      assert.match(error.message, expected)
      return true
    })
    this.assertNothingStaged()
  }

  assertNothingStaged(): void {
    assert.deepEqual(fs.readdirSync(path.join(this.repository.directory, 'staging')), [])
    const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8')
    assert.ok(!mounts.includes(`bootwright-mount.${process.pid}.`), mounts)
  }
}
