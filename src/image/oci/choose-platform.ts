import type { Platform } from './oci-documents.ts'

/** Go's names of what Node calls process.arch; the others are the same in both. */
const architectures: Record<string, string> = { x64: 'amd64', ia32: '386', loong64: 'loong64', ppc64: 'ppc64le' }

/** `linux/arm64`, `linux/arm/v7`; the machine's own architecture where it is not given. Undefined when it is malformed. */
export function parsePlatform(text: string | undefined, processArchitecture: string): Platform | undefined {
  if (text === undefined) {
    return { os: 'linux', architecture: architectures[processArchitecture] ?? processArchitecture }
  }
  const [, os, architecture, variant] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text) ?? []
  if (os === undefined || architecture === undefined) return undefined
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}

/** Variant v8 is what arm64 is anyway; where none is wanted, any will do. */
export function isPlatform(found: Platform, wanted: Platform): boolean {
  if (found.os !== wanted.os || found.architecture !== wanted.architecture) return false
  if (wanted.variant === undefined) return true
  const usual = wanted.architecture === 'arm64' ? 'v8' : undefined
  return (found.variant ?? usual) === wanted.variant
}
