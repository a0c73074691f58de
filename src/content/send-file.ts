import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { decideRange } from './byte-range.ts'
import type { OpenFile } from './open-file.ts'
import { streamFile } from './stream-file.ts'

/** UEFI HTTP boot goes by the type (UEFI specification §24.7); the rest is for people and caches. */
const contentTypes: Record<string, string> = {
  '.efi': 'application/efi',
  ...fromTexts(['.ipxe', '.cfg', '.conf', '.ks', '.lst', '.preseed', '.sh', '.txt', '.yaml', '.yml']),
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.zst': 'application/zstd',
}

function fromTexts(extensions: readonly string[]): Record<string, string> {
  return Object.fromEntries(extensions.map((extension) => [extension, 'text/plain; charset=utf-8']))
}

/**
 * Answers GET and HEAD with the file or one range of it, never compressed (boot firmware asks for none and some cannot
 * undo it). Resolves to the bytes of the body that were handed on. Closes nothing.
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: OpenFile,
  { isImmutable, entityTag: named, onMove }: { isImmutable: boolean; entityTag?: string; onMove?: () => void },
): Promise<number> {
  const entityTag = `"${named ?? entityTagOf(file)}"`
  // In the case that HTTP/1.1 writes them: GRUB 2.06 knows `Content-Length` and no other, and waits for the end in vain.
  const headers: Record<string, string | number> = {
    'Accept-Ranges': 'bytes',
    'Cache-Control': isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: entityTag,
    'Last-Modified': new Date(file.modifiedMs).toUTCString(),
  }
  if (matches(request.headers['if-none-match'], entityTag)) return sendEmpty(response, 304, headers)
  const range = isRangeWanted(request, entityTag) ? decideRange(request.headers.range, file.sizeBytes) : wholeFile
  if (range.kind === 'unsatisfiable') {
    return sendEmpty(response, 416, { ...headers, 'Content-Range': `bytes */${file.sizeBytes}`, 'Content-Length': 0 })
  }
  const { start, end } = range.kind === 'part' ? range : { start: 0, end: file.sizeBytes }
  headers['Content-Type'] = contentTypes[extname(file.path).toLowerCase()] ?? 'application/octet-stream'
  headers['Content-Length'] = end - start
  if (range.kind === 'part') headers['Content-Range'] = `bytes ${start}-${end - 1}/${file.sizeBytes}`
  response.writeHead(range.kind === 'part' ? 206 : 200, headers)
  if (request.method === 'HEAD') return endWith(response, 0)
  const sentBytes = await streamFile(file.handle, start, end, response, onMove)
  if (sentBytes === end - start) return endWith(response, sentBytes)
  response.destroy() // nobody is to take this for all of it
  return sentBytes
}

/** Of a file that may change: another one, or another writing, has another tag. */
function entityTagOf({ inode, modifiedMs, sizeBytes }: OpenFile): string {
  return `${inode.toString(36)}-${modifiedMs.toString(36)}-${sizeBytes.toString(36)}`
}

const wholeFile = { kind: 'whole' } as const

/** A range is of the file the client began with, or else the whole new one is sent (RFC 9110 §13.1.5). */
function isRangeWanted(request: IncomingMessage, entityTag: string): boolean {
  const condition = request.headers['if-range']
  return request.method === 'GET' && (condition === undefined || condition === entityTag)
}

function matches(condition: string | undefined, entityTag: string): boolean {
  return condition?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === entityTag) ?? false
}

function endWith(response: ServerResponse, sentBytes: number): number {
  response.end()
  return sentBytes
}

function sendEmpty(response: ServerResponse, status: number, headers: Record<string, string | number>): number {
  response.writeHead(status, headers).end()
  return 0
}
