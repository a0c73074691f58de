import { DecodeError } from '../../bytes/decode-error.ts'
import { type CleanUpName, cleanUpNames } from './operations.ts'

/**
 * `logfiles,tmp-files` are those two; `all,-hostname` all but one, and so is `-hostname` alone. In the table's order. Throws
 * DecodeError.
 */
export function parseCleanUp(text: string): CleanUpName[] {
  const words = text.split(',').map((word) => word.trim())
  const chosen = new Set<CleanUpName>(words[0]?.startsWith('-') ? cleanUpNames : [])
  for (const word of words) {
    const isOff = word.startsWith('-')
    const name = isOff ? word.slice(1) : word
    const meant = name === 'all' ? cleanUpNames : cleanUpNames.filter((known) => known === name)
    if (meant.length === 0) {
      throw new DecodeError('clean-up', `there is no operation "${name}"; there are all, ${cleanUpNames.join(', ')}`)
    }
    for (const operation of meant) chosen[isOff ? 'delete' : 'add'](operation)
  }
  return cleanUpNames.filter((name) => chosen.has(name))
}
