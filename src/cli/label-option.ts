import { InvalidArgumentError } from 'commander'
import { type Labels, parseLabel } from '../core/labels.ts'

/** Gathers `--label KEY=VALUE …`. Throws what commander tells as a wrong command line. */
export function addLabel(text: string, before: Labels = {}): Labels {
  try {
    const [key, value] = parseLabel(text)
    return { ...before, [key]: value }
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
