import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'

/*
 * OCI layouts made by hand, for what no tool makes: whiteouts in every order, broken digests, many platforms. What the
 * tools make is tested with them.
 */

export type HandMadeImage = {
  layers: Buffer[]
  compression?: 'gzip' | 'zstd' | undefined
  platform?: { os: string; architecture: string; variant?: string }
  /** Leaves the platform out of the index, so that the configuration has to tell. */
  isPlatformInIndex?: boolean
  name?: string
  layerType?: string
}

export class OciLayout {
  readonly directory: string
  readonly #manifests: unknown[] = []

  constructor(directory: string) {
    this.directory = directory
    fs.mkdirSync(path.join(directory, 'blobs/sha256'), { recursive: true })
    fs.writeFileSync(path.join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  }

  blob(bytes: Buffer): { digest: string; size: number } {
    const hex = createHash('sha256').update(bytes).digest('hex')
    fs.writeFileSync(path.join(this.directory, 'blobs/sha256', hex), bytes)
    return { digest: `sha256:${hex}`, size: bytes.length }
  }

  blobFile(digest: string): string {
    return path.join(this.directory, 'blobs', digest.replace(':', '/'))
  }

  add(image: HandMadeImage): { manifest: string; layers: string[] } {
    const { platform = { os: 'linux', architecture: 'amd64' }, isPlatformInIndex = true, name } = image
    const pack = { gzip: gzipSync, zstd: zstdCompressSync }
    const suffix = image.compression === undefined ? '' : `+${image.compression}`
    const mediaType = image.layerType ?? `application/vnd.oci.image.layer.v1.tar${suffix}`
    const layers = image.layers.map((tar) => ({
      mediaType,
      ...this.blob(image.compression === undefined ? tar : pack[image.compression](tar)),
    }))
    const diff_ids = image.layers.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`)
    const config = {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      ...this.#json({ ...platform, config: { Cmd: ['/bin/true'] }, rootfs: { type: 'layers', diff_ids } }),
    }
    const manifestType = 'application/vnd.oci.image.manifest.v1+json'
    const manifest = this.#json({ schemaVersion: 2, mediaType: manifestType, config, layers })
    this.#manifests.push({
      mediaType: manifestType,
      ...manifest,
      ...(isPlatformInIndex && { platform }),
      ...(name !== undefined && { annotations: { 'org.opencontainers.image.ref.name': name } }),
    })
    this.#writeIndex()
    return { manifest: manifest.digest, layers: layers.map(({ digest }) => digest) }
  }

  /** Puts all that is there into an index below the index, with an attestation as BuildKit adds one. */
  nest(): void {
    const attestation = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      ...this.blob(Buffer.from('{}')),
      platform: { os: 'unknown', architecture: 'unknown' },
    }
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    const index = this.#json({ schemaVersion: 2, mediaType, manifests: [...this.#manifests, attestation] })
    this.#manifests.splice(0, this.#manifests.length, { mediaType, ...index })
    this.#writeIndex()
  }

  #json(value: unknown): { digest: string; size: number } {
    return this.blob(Buffer.from(JSON.stringify(value)))
  }

  #writeIndex(): void {
    fs.writeFileSync(
      path.join(this.directory, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: this.#manifests }),
    )
  }
}

/** A layer's tar, made by GNU tar of what a line of shell leaves in an empty directory; members in the order named. */
export function layerOf(directory: string, script: string, members = '.'): Buffer {
  fs.mkdirSync(directory, { recursive: true })
  const tar = `tar --format=pax --xattrs --xattrs-include='*' --sort=name -cf - ${members}`
  return execFileSync('bash', ['-euo', 'pipefail', '-c', `( ${script} ) >&2; ${tar}`], {
    cwd: directory,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
