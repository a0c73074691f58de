import { type KeyObject, sign } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'
import { decodeSignatures, isSignedBy, type SignedStatement } from '../statement.ts'

export const renditionFormat = 'bootwright-rendition-1'
const id = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** What is signed: that these are the bytes of this rendition of this version. */
export const RenditionStatement = Type.Object({
  format: Type.Literal(renditionFormat),
  version: id,
  /** rendition-name.ts. */
  rendition: Type.String({ maxLength: 100 }),
  /** SHA-256 of the uncompressed block manifest. */
  manifest: id,
  /** Milliseconds since the epoch. */
  createdAt: Type.Integer(),
  sizeBytes: Type.Integer({ minimum: 1 }),
  /** Compressed size of its distinct chunks. */
  storedBytes: Type.Integer({ minimum: 0 }),
})
export type RenditionStatement = Static<typeof RenditionStatement>

/** A rendition that is not signed, or is not the one that was asked for. */
export class RenditionRefused extends Error {
  override readonly name = 'RenditionRefused'
  readonly version: string
  readonly rendition: string

  constructor(version: string, rendition: string, reason: string) {
    super(`Cannot use rendition ${rendition} of version ${version}: ${reason}`)
    this.version = version
    this.rendition = rendition
  }
}

export function signRenditionStatement(statement: RenditionStatement, key: KeyObject): SignedStatement {
  const text = JSON.stringify(statement)
  return { statement: text, signature: sign(null, Buffer.from(text), key).toString('base64') }
}

/** Reads a statement without looking at its signature. Throws DecodeError. */
export function decodeRenditionStatement(text: string): RenditionStatement {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new DecodeError('rendition statement', 'it is not JSON')
  }
  if (Value.Check(RenditionStatement, value)) return value
  const [error] = Value.Errors(RenditionStatement, value)
  const reason = `${error?.instancePath ?? ''} ${error?.message ?? 'it is malformed'}`.trim()
  throw new DecodeError('rendition statement', reason)
}

/** The statement about this rendition that the key signed. Throws RenditionRefused, DecodeError. */
export function openRenditionStatement(
  signatures: Buffer,
  publicKey: KeyObject,
  wanted: { version: string; rendition: string },
): RenditionStatement {
  const { version, rendition } = wanted
  const signed = decodeSignatures(signatures).filter((candidate) => isSignedBy(candidate, publicKey))
  // A key signs other kinds of statements too: only those of this format speak of renditions.
  const said = signed
    .filter(({ statement }) => speaksOfRendition(statement))
    .map((s) => decodeRenditionStatement(s.statement))
  const found = said.find((one) => one.version === version && one.rendition === rendition)
  if (found) return found
  const [other] = said
  const reason = other
    ? `what is signed is rendition ${other.rendition} of version ${other.version}`
    : 'it is not signed by the image key this program trusts'
  throw new RenditionRefused(version, rendition, reason)
}

function speaksOfRendition(text: string): boolean {
  try {
    return (JSON.parse(text) as { format?: unknown } | null)?.format === renditionFormat
  } catch {
    return false
  }
}
