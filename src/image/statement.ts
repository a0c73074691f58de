import { type KeyObject, sign, verify } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DecodeError } from '../bytes/decode-error.ts'
import { LineReader, readLines } from './line-reader.ts'

export const statementFormat = 'bootwright-image-1'

/** What a version was made of: for people, and for the settings that a foreign system had around it. */
export const VersionSource = Type.Object({
  kind: Type.Union([
    Type.Literal('directory'),
    Type.Literal('tar'),
    Type.Literal('lxc'),
    Type.Literal('btrfs'),
    Type.Literal('oci'),
    Type.Literal('disk'),
  ]),
  /** Path, container or reference, as it was given. */
  name: Type.String({ maxLength: 8192 }),
  /** A container's configuration: LXC's text, or OCI's JSON. */
  config: Type.Optional(Type.String({ maxLength: 65536 })),
})
export type VersionSource = Static<typeof VersionSource>

/**
 * What is signed: that this version belongs to this image, and what is known of it. The image's name is in it so that a
 * version of one image cannot be passed off as another's.
 */
export const Statement = Type.Object({
  format: Type.Literal(statementFormat),
  image: Type.String(),
  /** SHA-256 of the uncompressed tree manifest. */
  version: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** Milliseconds since the epoch. */
  createdAt: Type.Integer(),
  /** The image's `current` version when this one was made. */
  parent: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  comment: Type.Optional(Type.String({ maxLength: 4000 })),
  recipeHash: Type.Optional(Type.String({ maxLength: 200 })),
  source: Type.Optional(VersionSource),
  /** Operations (clean-up/operations.ts) that took out of it what belongs to one machine. */
  cleanUp: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 })),
  entries: Type.Integer({ minimum: 1 }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  /** Compressed size of its distinct chunks when it was made. */
  storedBytes: Type.Integer({ minimum: 0 }),
})
export type Statement = Static<typeof Statement>

/** A line of the `signatures` file; the exact text that was signed travels. */
export type SignedStatement = { statement: string; signature: string }

/** No statement about the version and image asked for is signed by the key this program trusts. */
export class SignatureRefused extends Error {
  override readonly name = 'SignatureRefused'
  readonly version: string
  readonly image: string | undefined

  constructor(version: string, image: string | undefined, reason: string) {
    super(`Cannot use version ${version}${image === undefined ? '' : ` of image ${image}`}: ${reason}`)
    this.version = version
    this.image = image
  }
}

export function signStatement(statement: Statement, key: KeyObject): SignedStatement {
  const text = JSON.stringify(statement)
  return { statement: text, signature: sign(null, Buffer.from(text), key).toString('base64') }
}

export function encodeSignatures(signatures: readonly SignedStatement[]): string {
  return signatures.map(({ statement, signature }) => `${JSON.stringify({ statement, signature })}\n`).join('')
}

/** Throws DecodeError. What the statements say is not yet to be believed. */
export function decodeSignatures(bytes: Buffer): SignedStatement[] {
  return [...readLines('image signatures', bytes)].map(({ text, offset }) => {
    const line = new LineReader('image signatures', text, offset)
    return { statement: line.text('statement'), signature: line.text('signature') }
  })
}

/** Reads a statement without looking at its signature. Throws DecodeError. */
export function decodeStatement(text: string): Statement {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new DecodeError('image statement', 'it is not JSON')
  }
  if (Value.Check(Statement, value)) return value
  const [error] = Value.Errors(Statement, value)
  throw new DecodeError('image statement', `${error?.instancePath ?? ''} ${error?.message ?? 'it is malformed'}`.trim())
}

export function isSignedBy({ statement, signature }: SignedStatement, publicKey: KeyObject): boolean {
  return verify(null, Buffer.from(statement), publicKey, Buffer.from(signature, 'base64'))
}

/**
 * The statement about this version that the key signed; about this image, where one is given. Throws SignatureRefused
 * and DecodeError.
 */
export function openStatement(
  signatures: readonly SignedStatement[],
  publicKey: KeyObject,
  wanted: { version: string; image?: string | undefined },
): Statement {
  const { version, image } = wanted
  const trusted = signatures.filter((signed) => isSignedBy(signed, publicKey)).map((s) => decodeStatement(s.statement))
  const found = trusted.find((said) => said.version === version && (image === undefined || said.image === image))
  if (found) return found
  if (trusted.length === 0) {
    throw new SignatureRefused(version, image, 'it is not signed by the image key this program trusts')
  }
  const said = trusted.map((other) => `version ${other.version} of image ${other.image}`).join(' and ')
  throw new SignatureRefused(version, image, `what is signed is ${said}`)
}
