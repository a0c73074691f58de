import { DecodeError } from '../bytes/decode-error.ts'
import { glob } from './glob.ts'
import { type Labels, labelKeyPattern } from './labels.ts'
import { type MachineState, machineStates } from './machine-state.ts'

/** What a selector asks of a machine. */
export type SelectableMachine = {
  name: string
  group: string
  state: MachineState
  approved: boolean
  macs: readonly string[]
  labels?: Labels
}

type Condition = { field: string; isNot: boolean; value: string; matches: (machine: SelectableMachine) => boolean }

/** All conditions must hold. */
export type Selector = { text: string; conditions: readonly Condition[] }

const fields = ['name', 'group', 'state', 'approved', 'mac', 'label.KEY'] as const
const labelPrefix = 'label.'
const labelKey = new RegExp(labelKeyPattern)
const form = /^([A-Za-z][\w./-]*?)(!?=)(.*)$/
const longestText = 1000

/**
 * `group=web,state=ready,label.rack=3,name=web-*`: conditions with commas between them, all of which must hold. `!=` is the
 * opposite; `*` stands for any letters in names, groups, MAC addresses and labels. Throws DecodeError, which says what is wrong.
 */
export function parseSelector(text: string): Selector {
  if (text.trim() === '') throw new DecodeError('selector', 'it is empty, which would mean every machine: say name=*')
  if (text.length > longestText) throw new DecodeError('selector', `it has more than ${longestText} characters`)
  return { text, conditions: text.split(',').map((part) => parseCondition(part.trim())) }
}

export function selects({ conditions }: Selector, machine: SelectableMachine): boolean {
  return conditions.every(({ isNot, matches }) => matches(machine) !== isNot)
}

function parseCondition(text: string): Condition {
  const match = form.exec(text)
  if (!match) throw new DecodeError('selector', `"${text}" is no condition; use ${fields.join('=, ')}=`)
  const [, field = '', operator, value = ''] = match
  return { field, isNot: operator === '!=', value, matches: matcherOf(field, value) }
}

function matcherOf(field: string, value: string): Condition['matches'] {
  if (field.startsWith(labelPrefix)) return labelMatcher(field.slice(labelPrefix.length), value)
  if (value === '') throw new DecodeError('selector', `"${field}=" says no value`)
  const fits = glob(value)
  switch (field) {
    case 'name':
      return ({ name }) => fits(name)
    case 'group':
      return ({ group }) => fits(group)
    case 'mac': {
      const fitsMac = glob(value.toLowerCase().replaceAll('-', ':'))
      return ({ macs }) => macs.some(fitsMac)
    }
    case 'state':
      if (!machineStates.some((state) => state === value)) {
        throw new DecodeError('selector', `"${value}" is no state; there are ${machineStates.join(', ')}`)
      }
      return ({ state }) => state === value
    case 'approved':
      if (value !== 'yes' && value !== 'no') throw new DecodeError('selector', 'approved is yes or no')
      return ({ approved }) => approved === (value === 'yes')
    default:
      throw new DecodeError('selector', `there is no "${field}"; use ${fields.join('=, ')}=`)
  }
}

/** A label that is not there is like no value, not even an empty one. */
function labelMatcher(key: string, value: string): Condition['matches'] {
  if (!labelKey.test(key)) throw new DecodeError('selector', `"${key}" is no key of a label`)
  const fits = glob(value)
  return ({ labels }) => labels?.[key] !== undefined && fits(labels[key])
}
