/** TypeScript's types for Node leave it out, because it belongs to the browser's. */
declare const WebAssembly: {
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => { buffer: SharedArrayBuffer }
}

const pageBytes = 64 * 1024

/**
 * Memory for direct I/O, which takes only what begins at a sector: Node's own buffers begin anywhere, a WebAssembly memory at
 * a page. Worker threads can share it. At least `sizeBytes`.
 */
export function allocateAligned(sizeBytes: number): SharedArrayBuffer {
  const pages = Math.ceil(sizeBytes / pageBytes)
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer
}
