/*
 * npm run bench -- --list            what can be measured
 * npm run bench -- NAME [--rounds N] a table for people
 * npm run bench -- NAME --json       the last line is one JSON object: name, rounds, figures, goals
 * A goal that is not met is a figure like any other; only a benchmark that could not be run exits with 1.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Benchmark, Goal } from './benchmark.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
  },
})
const rounds = Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds takes a whole number from 1, not "${options.rounds}"`)

const names = await benchmarkNames()
if (options.list) await list()
else {
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0) fail(`name one benchmark: ${names.join(', ') || '(there are none)'}`)
  if (!names.includes(name)) fail(`there is no benchmark "${name}"; there are ${names.join(', ') || 'none'}`)
  await measure(name)
}

async function measure(name: string): Promise<void> {
  const benchmark = await load(name)
  const log = (line: string) => process.stderr.write(`  ${line}\n`)
  log(benchmark.describe)
  const { figures, goals } = await benchmark.run({ rounds, log })
  if (options.json) process.stdout.write(`${JSON.stringify({ name, rounds, figures, goals })}\n`)
  else printFigures(figures, goals)
}

async function list(): Promise<void> {
  const benchmarks = await Promise.all(names.map(load))
  const listed = benchmarks.map(({ name, describe }) => ({ name, describe }))
  if (options.json) process.stdout.write(`${JSON.stringify(listed)}\n`)
  else for (const { name, describe } of listed) process.stdout.write(`${name.padEnd(16)} ${describe}\n`)
}

function printFigures(figures: Record<string, number>, goals: readonly Goal[]): void {
  const width = Math.max(...[...Object.keys(figures), ...goals.map(({ name }) => name)].map((name) => name.length))
  const number = (value: number) => (Number.isInteger(value) ? String(value) : value.toPrecision(4))
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name.padEnd(width)}  ${number(value)}\n`)
  for (const { name, figure, goal, met } of goals) {
    process.stdout.write(`${name.padEnd(width)}  ${number(figure)}, goal ${goal}: ${met ? 'met' : 'NOT MET'}\n`)
  }
}

/** A benchmark is a file of this folder that exports a `describe`; the others are what they share. */
async function benchmarkNames(): Promise<string[]> {
  const files = (await readdir(import.meta.dirname)).filter((file) => /^[a-z0-9-]+\.ts$/.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(import.meta.dirname, file), 'utf8')))
  return files.filter((_, index) => /^export const describe\b/m.test(texts[index]!)).map((file) => file.slice(0, -3))
}

async function load(name: string): Promise<Benchmark> {
  return (await import(join(import.meta.dirname, `${name}.ts`))) as Benchmark
}

function fail(reason: string): never {
  process.stderr.write(`bench: ${reason}\n`)
  process.exit(2)
}
