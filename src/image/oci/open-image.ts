import { DecodeError } from '../../bytes/decode-error.ts'
import { ImageSourceInvalid } from '../image-source.ts'
import { openSourceStream } from '../source-stream.ts'
import { formatPlatform, isPlatform } from './choose-platform.ts'
import { checkDigest } from './digest-check.ts'
import {
  type Config,
  configTypes,
  type Descriptor,
  decodeConfig,
  decodeDockerManifest,
  decodeIndex,
  decodeManifest,
  indexTypes,
  layerTypePattern,
  type Manifest,
  manifestTypes,
  type Platform,
} from './oci-documents.ts'
import type { OciFiles, StoredPart } from './oci-files.ts'

/** A layer's tar: its own digest, where there is one, and the digest of what it unpacks to. */
export type Layer = { part: StoredPart; digest: string | undefined; diffId: string }
export type OciImage = { config: Config; layers: Layer[]; digest: string | undefined }

export type ImageChoice = {
  /** What messages call the layout or archive. */
  source: string
  /** Name or digest in it, where it holds several images. */
  reference: string | undefined
  platform: Platform
}

const refNameAnnotation = 'org.opencontainers.image.ref.name'
const containerdNameAnnotation = 'io.containerd.image.name'
const maxDocumentBytes = 16 * 1024 * 1024
const maxIndexDepth = 4
const maxCandidates = 1000

/** Finds the one image that is asked for, and where its layers are. Throws ImageSourceInvalid. */
export async function openOciImage(files: OciFiles, choice: ImageChoice): Promise<OciImage> {
  const image = new ImageFinder(files, choice)
  try {
    return (await files.find('index.json')) ? await image.findByIndex() : await image.findByDockerManifest()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new ImageSourceInvalid(choice.source, undefined, error.message, { cause: error })
  }
}

type Candidate = { descriptor: Descriptor; names: string[] }
type Found = Candidate & { platform: Platform | undefined }

class ImageFinder {
  readonly #files: OciFiles
  readonly #choice: ImageChoice

  constructor(files: OciFiles, choice: ImageChoice) {
    this.#files = files
    this.#choice = choice
  }

  async findByIndex(): Promise<OciImage> {
    const index = decodeIndex(await this.#readDocument('index.json'))
    const named = index.manifests.map((descriptor) => ({ descriptor, names: namesOf(descriptor) }))
    const candidates = await this.#flatten(this.#byReference(named), 0)
    const images = await Promise.all(candidates.map((candidate) => this.#findPlatform(candidate)))
    const { descriptor } = this.#choose(images.filter((image) => image !== undefined))
    const manifest = decodeManifest(await this.#readBlob(descriptor))
    const { mediaType } = manifest.config
    if (!configTypes.includes(mediaType)) throw this.#invalid(`it holds ${mediaType}, not a container image`)
    const config = decodeConfig(await this.#readBlob(manifest.config))
    return { config, layers: await this.#layers(manifest, config), digest: descriptor.digest }
  }

  async findByDockerManifest(): Promise<OciImage> {
    const { reference } = this.#choice
    if (!(await this.#files.find('manifest.json'))) {
      throw this.#invalid('it has neither an index.json (OCI layout) nor a manifest.json (docker save)')
    }
    const images = decodeDockerManifest(await this.#readDocument('manifest.json'))
    const names = images.flatMap(({ RepoTags }) => RepoTags ?? [])
    const chosen = images.filter(
      ({ RepoTags }) => reference === undefined || RepoTags?.some((name) => isNamed(name, reference)),
    )
    const [image, ...more] = chosen
    if (!image || more.length > 0) throw this.#notOne(chosen.length, names)
    const config = decodeConfig(await this.#readDocument(image.Config))
    this.#checkPlatform(platformOf(config))
    const layers = image.Layers.map(async (path, at) => {
      const diffId = config.rootfs.diff_ids[at]
      if (diffId === undefined) throw this.#layerCount(image.Layers.length, config)
      return { part: await this.#find(path), digest: undefined, diffId }
    })
    return { config, layers: await Promise.all(layers), digest: undefined }
  }

  #byReference(candidates: readonly Candidate[]): readonly Candidate[] {
    const { reference } = this.#choice
    if (reference === undefined) return candidates
    const found = candidates.filter(
      ({ descriptor, names }) => names.some((name) => isNamed(name, reference)) || descriptor.digest === reference,
    )
    if (found.length > 0) return found
    throw this.#notOne(
      0,
      candidates.flatMap(({ names }) => names),
    )
  }

  /** Indexes replaced by what they hold. */
  async #flatten(candidates: readonly Candidate[], depth: number): Promise<Candidate[]> {
    const flat: Candidate[] = []
    for (const { descriptor, names } of candidates) {
      if (!indexTypes.includes(descriptor.mediaType)) {
        flat.push({ descriptor, names })
      } else if (depth >= maxIndexDepth) {
        throw this.#invalid(`its indexes are nested more than ${maxIndexDepth} deep`)
      } else {
        const { manifests } = decodeIndex(await this.#readBlob(descriptor))
        const below = manifests.map((inner) => ({ descriptor: inner, names }))
        flat.push(...(await this.#flatten(below, depth + 1)))
      }
      if (flat.length > maxCandidates) throw this.#invalid(`it holds more than ${maxCandidates} images`)
    }
    return flat
  }

  /** Undefined for what is no image: attestations, signatures, other artifacts. */
  async #findPlatform({ descriptor, names }: Candidate): Promise<Found | undefined> {
    if (!manifestTypes.includes(descriptor.mediaType)) return undefined
    // Believed without a look: a layout may hold one of an index's platforms only.
    if (descriptor.platform) {
      const { platform } = descriptor
      return platform.os === 'unknown' ? undefined : { descriptor, names, platform }
    }
    const manifest = decodeManifest(await this.#readBlob(descriptor))
    if (!configTypes.includes(manifest.config.mediaType)) return undefined
    const config = decodeConfig(await this.#readBlob(manifest.config))
    return { descriptor, names, platform: platformOf(config) }
  }

  #choose(found: readonly Found[]): Found {
    if (found.length === 0) throw this.#invalid('it holds no container image')
    const matching = found.filter(({ platform }) => !platform || isPlatform(platform, this.#choice.platform))
    const digests = new Set(matching.map(({ descriptor }) => descriptor.digest))
    if (digests.size === 0) {
      const platforms = found.map(({ platform }) => platform && formatPlatform(platform))
      throw this.#invalid(this.#wrongPlatform([...new Set(platforms)].join(', ')))
    }
    if (digests.size > 1) {
      throw this.#notOne(
        digests.size,
        matching.map(({ names, descriptor }) => names[0] ?? descriptor.digest),
      )
    }
    return matching[0]!
  }

  async #layers({ layers }: Manifest, config: Config): Promise<Layer[]> {
    if (layers.length !== config.rootfs.diff_ids.length) throw this.#layerCount(layers.length, config)
    const found = layers.map(async ({ mediaType, digest, size }, at) => {
      if (!layerTypePattern.test(mediaType)) throw this.#invalid(`its layer ${at + 1} is ${mediaType}, not a tar`)
      const part = await this.#find(blobPath(digest))
      if (part.sizeBytes !== size) {
        throw this.#invalid(`its layer ${digest} has ${part.sizeBytes} bytes instead of ${size}: it is truncated`)
      }
      return { part, digest, diffId: config.rootfs.diff_ids[at]! }
    })
    return Promise.all(found)
  }

  async #readBlob({ digest }: Descriptor): Promise<Buffer> {
    return this.#readDocument(blobPath(digest), digest)
  }

  async #readDocument(path: string, digest?: string): Promise<Buffer> {
    const { file, start, sizeBytes } = await this.#find(path)
    if (sizeBytes > maxDocumentBytes) throw this.#invalid(`its ${path} has ${sizeBytes} bytes: too many for JSON`)
    const { source } = this.#choice
    const inspect = (bytes: AsyncIterable<Buffer>) =>
      digest ? checkDigest(bytes, { digest, source, what: path }) : bytes
    const { bytes } = await openSourceStream(file, { start, sizeBytes, name: `${source} (${path})`, inspect })
    return Buffer.concat(await Array.fromAsync(bytes))
  }

  async #find(path: string): Promise<StoredPart> {
    const part = await this.#files.find(path)
    if (part) return part
    throw this.#invalid(`its ${path} is missing: it was copied in part, or for another platform only`)
  }

  #checkPlatform(platform: Platform | undefined): void {
    if (!platform || isPlatform(platform, this.#choice.platform)) return
    throw this.#invalid(this.#wrongPlatform(formatPlatform(platform)))
  }

  #wrongPlatform(found: string): string {
    return `it is for ${found}, not for ${formatPlatform(this.#choice.platform)}; name the platform that is wanted`
  }

  #notOne(count: number, names: readonly string[]): ImageSourceInvalid {
    const { reference, source } = this.#choice
    const unique = [...new Set(names)]
    const said = unique.length === 0 ? 'none has a name' : unique.slice(0, 20).join(', ')
    if (count === 0 && reference !== undefined)
      return this.#invalid(`no image in it is ${reference}; there are ${said}`)
    return new ImageSourceInvalid(source, undefined, `it holds ${count} images (${said}); name the one that is wanted`)
  }

  #layerCount(layers: number, config: Config): ImageSourceInvalid {
    return this.#invalid(`it has ${layers} layers, and its configuration ${config.rootfs.diff_ids.length}`)
  }

  #invalid(reason: string): ImageSourceInvalid {
    return new ImageSourceInvalid(this.#choice.source, undefined, reason)
  }
}

function namesOf({ annotations = {} }: Descriptor): string[] {
  return [annotations[refNameAnnotation], annotations[containerdNameAnnotation]].filter((name) => name !== undefined)
}

/** Docker's own registry need not be named. */
function isNamed(name: string, reference: string): boolean {
  return [reference, `docker.io/${reference}`, `docker.io/library/${reference}`].includes(name)
}

function platformOf({ os, architecture, variant }: Config): Platform | undefined {
  if (os === undefined || architecture === undefined) return undefined
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}
