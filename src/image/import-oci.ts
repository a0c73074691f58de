import { mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { ImageSourceInvalid, type ImportOptions } from './image-source.ts'
import type { ImportSession } from './import-session.ts'
import { importVersion } from './import-version.ts'
import { parsePlatform } from './oci/choose-platform.ts'
import type { Config, Platform } from './oci/oci-documents.ts'
import { archiveFiles, layoutFiles, type OciFiles } from './oci/oci-files.ts'
import { openOciImage } from './oci/open-image.ts'
import { readLayers } from './oci/read-layers.ts'
import { copyWithSkopeo, isSkopeoReference } from './oci/skopeo-copy.ts'
import type { VersionDescription } from './publish-version.ts'
import type { Repository, Version } from './repository.ts'

export type OciOptions = VersionDescription &
  ImportOptions & {
    /** `linux/amd64`, `linux/arm/v7`; this machine's where it is not given. */
    platform?: string | undefined
    /** Name (or digest) of the image in a layout or archive that holds several. */
    reference?: string | undefined
    /** Credentials for registries, as `skopeo login` writes them; skopeo's usual place where it is not given. */
    authFile?: string | undefined
  }

/**
 * Imports the file system of a container image: its layers on each other, checked by their digests. `source` is the path
 * of an OCI layout, an OCI archive or a Docker archive (also as `oci:PATH:NAME`, `oci-archive:PATH:NAME`,
 * `docker-archive:PATH:NAME`), or what skopeo copies: `docker://REGISTRY/NAME:TAG`, `docker-daemon:`,
 * `containers-storage:`, `dir:`. Needs no root. Throws ImageSourceInvalid; leaves nothing behind then.
 */
export async function importOci(repository: Repository, source: string, options: OciOptions): Promise<Version> {
  const platform = parsePlatform(options.platform, process.arch)
  if (!platform) {
    const reason = `"${options.platform}" is no platform; give one as linux/amd64 or linux/arm/v7`
    throw new ImageSourceInvalid(source, undefined, reason)
  }
  return importVersion(repository, { kind: 'oci', name: source }, options, async (session, resources) => {
    const { files, reference } = await openFiles(source, session, platform, options)
    const image = await openOciImage(files, { source, reference, platform })
    const builder = await readLayers(source, image.layers, session, resources, options)
    return { builder, config: describeConfig(image.config, image.digest) }
  })
}

type Opened = { files: OciFiles; reference: string | undefined }

async function openFiles(
  source: string,
  session: ImportSession,
  platform: Platform,
  options: OciOptions,
): Promise<Opened> {
  const { signal, authFile } = options
  if (isSkopeoReference(source)) {
    const layout = path.join(session.directory, 'layout')
    const temporary = path.join(session.directory, 'skopeo')
    await mkdir(temporary)
    await copyWithSkopeo(source, layout, temporary, { platform, authFile, signal })
    return { files: layoutFiles(layout), reference: undefined }
  }
  const { file, reference = options.reference, isDirectory } = await locate(source)
  if (isDirectory) return { files: layoutFiles(file), reference }
  return { files: await archiveFiles(file, path.join(session.directory, 'archive'), signal), reference }
}

/** A path as it stands comes first; then one that says what it is, and may be followed by an image's name. */
async function locate(source: string): Promise<{ file: string; reference?: string; isDirectory: boolean }> {
  const plain = await stat(source).catch(() => undefined)
  if (plain) return { file: source, isDirectory: plain.isDirectory() }
  const [, file, reference] = /^(?:oci|oci-archive|docker-archive):([^:]+)(?::(.+))?$/s.exec(source) ?? []
  const named = file === undefined ? undefined : await stat(file).catch(() => undefined)
  if (named) return { file: file!, ...(reference !== undefined && { reference }), isDirectory: named.isDirectory() }
  const reason = 'there is no such file or directory; an image of a registry is docker://REGISTRY/NAME:TAG'
  throw new ImageSourceInvalid(source, undefined, reason)
}

/** What a container of it would run, for whoever turns it into a machine's services. */
function describeConfig({ architecture, os, variant, config }: Config, digest: string | undefined): string {
  return JSON.stringify({ digest, os, architecture, variant, config: config ?? {} })
}
