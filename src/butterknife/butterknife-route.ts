export type ButterknifeRoute =
  | { kind: 'containers' }
  | { kind: 'container'; image: string }
  | { kind: 'snapshots'; image: string }
  | { kind: 'stream'; image: string; snapshot: string; parent?: string; src?: string }
  | { kind: 'missing' }

/**
 * `target` as it came (RFC 9112 §3.2). A slash more or less is none of the client's doing: the old boot line has
 * `bk_url=http://SERVER/api/` and the old script adds `/container/`.
 */
export function routeButterknife(target: string): ButterknifeRoute {
  const [path = '', search = ''] = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 2)
  const segments = decodeSegments(path)
  if (segments?.[0] !== 'api' || segments[1] !== 'container') return { kind: 'missing' }
  const [, , image, collection, snapshot, action, ...more] = segments
  if (image === undefined) return { kind: 'containers' }
  if (collection === undefined) return { kind: 'container', image }
  if (collection !== 'snapshot' || more.length > 0) return { kind: 'missing' }
  if (snapshot === undefined) return { kind: 'snapshots', image }
  if (action !== 'stream') return { kind: 'missing' }
  const query = new URLSearchParams(search)
  const [parent, src] = [query.get('parent'), query.get('src')]
  return { kind: 'stream', image, snapshot, ...(parent !== null && { parent }), ...(src !== null && { src }) }
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}
