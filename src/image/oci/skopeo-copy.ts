import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { ImageSourceInvalid, type ImportOptions } from '../image-source.ts'
import type { Platform } from './oci-documents.ts'

const transports = ['docker://', 'docker-daemon:', 'containers-storage:', 'dir:']
const copyTimeoutMs = 6 * 3_600_000

/** What only skopeo can read: registries, and other programs' own stores. */
export function isSkopeoReference(source: string): boolean {
  return transports.some((transport) => source.startsWith(transport))
}

export type SkopeoOptions = Pick<ImportOptions, 'signal'> & {
  platform: Platform
  /** Credentials for registries, as `skopeo login` or `docker login` write them. */
  authFile?: string | undefined
}

/**
 * Copies the image of one platform into a layout that is made for it; what skopeo needs meanwhile goes into
 * `temporaryDirectory`. Throws ImageSourceInvalid with what skopeo said.
 */
export async function copyWithSkopeo(
  source: string,
  layout: string,
  temporaryDirectory: string,
  options: SkopeoOptions,
): Promise<void> {
  const { os, architecture, variant } = options.platform
  const args = [
    ...['--tmpdir', temporaryDirectory, '--override-os', os, '--override-arch', architecture],
    ...(variant === undefined ? [] : ['--override-variant', variant]),
    ...['copy', '--quiet', '--retry-times', '3'],
    ...(options.authFile === undefined ? [] : ['--src-authfile', options.authFile]),
    ...[source, `oci:${layout}:image`],
  ]
  try {
    await runProgram('skopeo', args, { timeoutMs: copyTimeoutMs, signal: options.signal })
  } catch (cause) {
    options.signal?.throwIfAborted()
    if (!(cause instanceof ProgramFailed)) throw cause
    const isMissing = (cause.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
    const reason = isMissing ? 'skopeo copies it; install the Debian package skopeo' : cause.message
    throw new ImageSourceInvalid(source, undefined, reason, { cause })
  }
}
