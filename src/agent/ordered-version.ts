import type { DeployContext } from './deploy-context.ts'
import type { VersionOptions } from './open-version.ts'

/** The version that the order names, from the server that gave it. */
export function orderedVersion({ order, session, imagePublicKey, signal }: DeployContext): VersionOptions {
  const { image, version } = order
  return { baseUrl: session.client.baseUrl, image, version, imagePublicKey, signal }
}
