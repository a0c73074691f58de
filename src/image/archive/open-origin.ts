import type { KeyObject } from 'node:crypto'
import {
  decodeSignatures,
  decodeStatement,
  isSignedBy,
  SignatureRefused,
  type SignedStatement,
  type Statement,
} from '../statement.ts'

/** What is believed of an archive's version, and the signed statements of other sites that go with it. */
export type Origin = { statement: Statement; foreign: SignedStatement[] }

export type Trust = {
  own: KeyObject
  trusted: readonly KeyObject[]
  /** Nobody's signature is needed: who imports answers for it. */
  isIgnored: boolean
}

/**
 * The statement about this version and image: under this site's own key, else under one that is trusted, else, where
 * the origin is ignored, whoever signed it. Throws SignatureRefused, DecodeError.
 */
export function openOrigin(bytes: Buffer, wanted: { image: string; version: string }, trust: Trust): Origin {
  const about = decodeSignatures(bytes)
    .map((signed) => ({ signed, statement: decodeStatement(signed.statement) }))
    .filter(({ statement }) => statement.image === wanted.image && statement.version === wanted.version)
  const signedBy = (keys: readonly KeyObject[]) =>
    about.find(({ signed }) => keys.some((key) => isSignedBy(signed, key)))
  const found = signedBy([trust.own]) ?? signedBy(trust.trusted) ?? (trust.isIgnored ? about[0] : undefined)
  if (!found) throw new SignatureRefused(wanted.version, wanted.image, refusal(about.length, trust))
  const foreign = about.filter(({ signed }) => !isSignedBy(signed, trust.own)).map(({ signed }) => signed)
  return { statement: found.statement, foreign }
}

function refusal(statements: number, { trusted }: Trust): string {
  if (statements === 0) return 'no statement about it is in the archive'
  const keys =
    trusted.length === 0 ? "this site's key did not sign it" : 'neither this site nor a key of --trust signed it'
  return `${keys}; get image.pub of the site it comes from and give it with --trust, or take it unproved with --resign`
}
