import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { DecodeError } from '../../src/bytes/decode-error.ts'
import { mutate, randomNumbers } from './mutate.ts'

/** Something that reads what comes from elsewhere. */
export type FuzzTarget = {
  name: string
  /** What is really there to be read; inputs are made from it. */
  seeds: readonly Uint8Array[]
  /** `random`: for what is chosen beside the input. */
  decode: (bytes: Buffer, random: (below: number) => number) => unknown
  /** What it may throw beside DecodeError, as its comment says. */
  refusals?: readonly (abstract new (
    ...values: never[]
  ) => Error)[]
  /** Memory beside the heap that one input may take; what is said of sizes by a few bytes is not yet true. */
  maximumBytes?: number
  /** How many inputs without LONG=1; fewer where each takes long. */
  quickInputs?: number
}

const isLong = process.env.LONG === '1'
const longInputs = 1_000_000
const usualMaximumBytes = 64 << 20

/** One test for each target: each of many damaged inputs is read, or refused in the way that is documented. */
export function fuzz(targets: readonly FuzzTarget[]): void {
  for (const target of targets) test(`${target.name} reads or refuses every damaged input`, (t) => run(target, t))
}

async function run(target: FuzzTarget, t: TestContext): Promise<void> {
  const { seeds, decode, maximumBytes = usualMaximumBytes, quickInputs = 1500 } = target
  const inputs = isLong ? longInputs : quickInputs
  for (const seed of seeds) await decode(Buffer.from(seed), () => 0)
  const refusals = [DecodeError, ...(target.refusals ?? [])]
  const random = randomNumbers(7)
  let refused = 0
  for (let count = 0; count < inputs; count++) {
    const input = mutate(seeds, random)
    const before = getHeapStatistics().external_memory
    try {
      const result = decode(input, random)
      if (result instanceof Promise) await result
    } catch (error) {
      if (!refusals.some((kind) => error instanceof kind)) throw new Error(describe(count, input), { cause: error })
      refused += 1
    }
    const takenBytes = getHeapStatistics().external_memory - before
    assert.ok(takenBytes <= maximumBytes, `it took ${takenBytes} bytes; ${describe(count, input)}`)
  }
  t.diagnostic(`${target.name}: ${inputs - refused} read, ${refused} refused`)
}

function describe(count: number, input: Buffer): string {
  return `input ${count}, in base64: ${input.subarray(0, 6000).toString('base64')}`
}
