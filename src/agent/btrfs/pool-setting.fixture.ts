import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { importDirectory } from '../../image/import-directory.ts'
import { makeNastyTree, temporaryDirectory } from '../../image/nasty-tree.fixture.ts'
import { ensureRendition } from '../../image/renditions/ensure-rendition.ts'
import { LoopMount } from '../../image/renditions/loop-mount.ts'
import { openRepository, type Repository, type Version } from '../../image/repository.ts'
import { openSigningKey, type SigningKey } from '../../image/signing-key.ts'
import { VersionServer } from '../version-server.fixture.ts'
import { type ObtainedVersion, obtainVersion } from './obtain-version.ts'

/** A repository with versions of a directory, served over HTTP with their streams, and a machine's btrfs. Needs root. */
export class PoolSetting implements AsyncDisposable {
  readonly source: string
  readonly repository: Repository
  readonly server: VersionServer
  /** What the agent said of its steps, and which parents it offered. */
  readonly said: string[] = []
  readonly offered: (readonly string[])[] = []
  readonly #key: SigningKey
  readonly #mount: LoopMount

  private constructor(
    source: string,
    repository: Repository,
    server: VersionServer,
    key: SigningKey,
    mount: LoopMount,
  ) {
    this.source = source
    this.repository = repository
    this.server = server
    this.#key = key
    this.#mount = mount
  }

  static async open(t: TestContext): Promise<PoolSetting> {
    const directory = temporaryDirectory(t)
    const [source, image] = [path.join(directory, 'source'), path.join(directory, 'pool.img')]
    fs.mkdirSync(source)
    makeNastyTree(source, 3)
    fs.writeFileSync(path.join(source, 'large'), randomBytes(6_000_000))
    const repository = await openRepository(path.join(directory, 'repository'))
    const key = await openSigningKey(path.join(directory, 'keys'))
    execFileSync('truncate', ['-s', '2G', image])
    execFileSync('mkfs.btrfs', ['-q', image])
    const mount = await LoopMount.open(image, 'btrfs', 'subvolid=5')
    const server = await new VersionServer(repository.directory).start()
    return new PoolSetting(source, repository, server, key, mount)
  }

  get pool(): string {
    return this.#mount.directory
  }

  /** A version of what the source directory has now. */
  importVersion(): Promise<Version> {
    return importDirectory(this.repository, this.source, { image: 'nasty', signingKey: this.#key })
  }

  async makeStream(version: string, parent?: string): Promise<void> {
    await ensureRendition(this.repository, version, { name: 'btrfs', parent }, { signingKey: this.#key })
  }

  versionOptions(version: string) {
    return { baseUrl: this.server.baseUrl, image: 'nasty', version, imagePublicKey: this.#key.publicKey }
  }

  /** As an agent does it, whose server makes a stream against the first parent it is offered. */
  obtain(version: string): Promise<ObtainedVersion> {
    this.said.length = 0
    this.offered.length = 0
    return obtainVersion({
      ...this.versionOptions(version),
      pool: this.pool,
      chooseParent: async (versions) => {
        this.offered.push(versions)
        await this.makeStream(version, versions[0])
        return versions[0]
      },
      inStep: async (step, work) => {
        const { value, detail } = await work(() => undefined)
        this.said.push(`${step}: ${detail ?? ''}`)
        return value
      },
    })
  }

  /** Of a file in /images or /packs: as if the disk of the server, or the network, changed one byte. */
  spoil(isSpoilt: (url: string) => boolean, times: number): void {
    let left = times
    this.server.interfere = async (request, response) => {
      const [, packId = ''] = /^\/packs\/(\w+)/.exec(request.url ?? '') ?? []
      if (packId === '' || !isSpoilt(request.url!) || left-- <= 0) return false
      const [, start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
      const bytes = await this.server.readPack(packId, Number(start), Number(end) + 1 - Number(start))
      bytes[bytes.length >> 1]! ^= 1
      response.writeHead(206, { 'content-range': `bytes ${start}-${end}/*`, 'content-length': bytes.length }).end(bytes)
      return true
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop()
    await this.#mount.close()
  }
}
