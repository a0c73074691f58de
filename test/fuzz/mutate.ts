/** A whole number from 0 to below the argument; the same ones at every run. */
export type Random = (below: number) => number

export function randomNumbers(seed: number): Random {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

/** Where lengths, counts and signs go wrong. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]
const edgeTexts = [
  '',
  '-1',
  '0',
  '00',
  '1e999',
  '4294967296',
  '9007199254740993',
  '99999999999999999999',
  'null',
  '[]',
  '{}',
]

type Mutation = (bytes: Buffer, random: Random, seeds: readonly Uint8Array[]) => Buffer

const mutations: readonly Mutation[] = [
  (bytes, random) => changed(bytes, (copy) => (copy[random(copy.length)] = random(256))),
  (bytes, random) => changed(bytes, (copy) => (copy[random(copy.length)]! ^= 1 << random(8))),
  (bytes, random) => bytes.subarray(0, random(bytes.length + 1)),
  (bytes, random) => withEdge(bytes, random),
  (bytes, random) => withEdgeText(bytes, random),
  (bytes, random) => without(bytes, random),
  (bytes, random) => inserted(bytes, random(bytes.length + 1), randomBytes(1 + random(16), random)),
  (bytes, random) => inserted(bytes, random(bytes.length + 1), pieceOf(bytes, random)),
  (bytes, random, seeds) => inserted(bytes, random(bytes.length + 1), pieceOf(seeds[random(seeds.length)]!, random)),
]

/** One of the seeds with one to six things wrong; one in sixteen is nothing but chance. The seeds stay as they are. */
export function mutate(seeds: readonly Uint8Array[], random: Random): Buffer {
  if (random(16) === 0) return randomBytes(random(600), random)
  let bytes: Buffer = Buffer.from(seeds[random(seeds.length)]!)
  for (let count = 1 + random(6); count > 0; count--) bytes = mutations[random(mutations.length)]!(bytes, random, seeds)
  return bytes
}

function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  if (copy.length > 0) change(copy)
  return copy
}

function withEdge(bytes: Buffer, random: Random): Buffer {
  const width = [1, 2, 4][random(3)]!
  if (bytes.length < width) return bytes
  const value = edges[random(edges.length)]! % 2 ** (8 * width)
  const at = random(bytes.length - width + 1)
  return changed(bytes, (copy) => (random(2) ? copy.writeUIntBE(value, at, width) : copy.writeUIntLE(value, at, width)))
}

/** In place of a number or word that stands there as text. */
function withEdgeText(bytes: Buffer, random: Random): Buffer {
  const words = [...bytes.toString('latin1').slice(0, 4096).matchAll(/\w+/g)]
  const word = words[random(words.length || 1)]
  if (!word) return bytes
  const text = Buffer.from(edgeTexts[random(edgeTexts.length)]!)
  return Buffer.concat([bytes.subarray(0, word.index), text, bytes.subarray(word.index + word[0].length)])
}

function without(bytes: Buffer, random: Random): Buffer {
  const start = random(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + random(64))])
}

function inserted(bytes: Buffer, at: number, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
}

function pieceOf(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random(bytes.length + 1)
  return bytes.subarray(start, start + random(128))
}

function randomBytes(length: number, random: Random): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = random(256)
  return bytes
}
