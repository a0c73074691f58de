import type { GivenVariable } from './setup.ts'

/** Of fewer characters a secret would be found everywhere. */
export const shortestSecret = 4

/** Puts `[NAME]` in the place of every secret's value in a line of a program's output; of one with several lines, of each. */
export function secretMask(variables: readonly GivenVariable[]): (line: string) => string {
  const words = variables
    .filter(({ secret }) => secret)
    .flatMap(({ name, value }) => value.split('\n').map((word) => ({ name, word: word.trim() })))
    .filter(({ word }) => word.length >= shortestSecret)
    .sort((one, other) => other.word.length - one.word.length)
  return (line) => words.reduce((text, { name, word }) => text.replaceAll(word, `[${name}]`), line)
}
