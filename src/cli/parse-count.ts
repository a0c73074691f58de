import { InvalidArgumentError } from 'commander'

export function parseCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) === 0) throw new InvalidArgumentError('it is a whole number above 0')
  return Number(text)
}
