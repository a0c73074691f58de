import type { MenuChoice } from '../../core/console-menu.ts'
import { lastScroll, pictureOf } from './disk-picture.ts'
import type { Key } from './keys.ts'
import { type Option, optionsOf, type Question, questions } from './options.ts'
import { choiceOf, type MenuWorld, type Selection } from './selection.ts'

/** What the person wants done. */
export type Wish = { kind: 'shell' | 'reboot' | 'power-off' | 'ask-server' } | { kind: 'deploy'; choice: MenuChoice }

/** `told`: words that are read, and left with a key. */
export type Page = 'main' | Question | 'confirm' | 'password' | 'told'

type Place = { page: Page; cursor: number; selection: Selection }

export type MenuState = Place & {
  /** Where "back" leads to, the last one last. */
  trail: readonly Place[]
  /** What is typed on the pages that ask for it; on `confirm` also how far its picture is scrolled, by `cursor`. */
  input: string
  told?: { title: string; text: string }
}

export type MainOption = { label: string; about: string; refusal?: string; wish: Wish['kind'] | 'provision' }

/** Typed to begin. */
export const clearYes = 'yes'
const longestInput = 200

export const firstState: MenuState = { page: 'main', cursor: 0, selection: {}, trail: [], input: '' }

export function toldState(title: string, text: string): MenuState {
  return { ...firstState, page: 'told', told: { title, text } }
}

export function mainOptions({ view, inventory, server, machine }: MenuWorld): MainOption[] {
  const refusal = refusalToProvision()
  const provision = `Writes an image to a disk of ${machine}.`
  return [
    { label: 'Provision', about: provision, wish: 'provision', ...(refusal !== undefined && { refusal }) },
    { label: 'Shell', about: 'A shell of this ramdisk on this console; exit comes back here.', wish: 'shell' },
    { label: 'Reboot', about: 'Restarts the machine.', wish: 'reboot' },
    { label: 'Power off', about: 'Switches the machine off.', wish: 'power-off' },
  ]

  function refusalToProvision(): string | undefined {
    if (view.kind === 'asking') return `asking the server at ${server} what there is`
    if (view.kind === 'unreachable') return `the server at ${server} does not answer: ${view.reason}`
    const { provision: verdict, images } = view.offer
    if (verdict.kind === 'refused') return verdict.reason
    if (images.length === 0) return 'the server has no image for this machine; bootwright image import brings one in'
    if (inventory.disks.length === 0) return 'this machine has no disk that this ramdisk knows: is a driver missing?'
    return undefined
  }
}

/** What a key does: the next state, and what is to be done. */
export function press(state: MenuState, key: Key, world: MenuWorld): { state: MenuState; wish?: Wish } {
  if (state.page === 'told')
    return key.kind === 'enter' || key.kind === 'back' ? { state: firstState, wish: { kind: 'ask-server' } } : { state }
  if (key.kind === 'back' || (key.kind === 'text' && key.text === 'b' && !takesText(state.page)))
    return { state: back(state) }
  if (takesText(state.page)) return type(state, key, world)
  const count = state.page === 'main' ? mainOptions(world).length : (listed(state, world)?.length ?? 0)
  const cursor = moved(state.cursor, key, count)
  if (cursor !== undefined) return { state: { ...state, cursor } }
  const chosen = key.kind === 'enter' ? state.cursor : digit(key)
  if (chosen === undefined || chosen >= count) return { state }
  return choose({ ...state, cursor: chosen }, world)
}

function takesText(page: Page): boolean {
  return page === 'confirm' || page === 'password'
}

function listed(state: MenuState, world: MenuWorld): Option[] | undefined {
  return optionsOf(state.page as Question, state.selection, world)
}

/** Where a key moves the mark to; undefined for a key that does not. `n` and `p` are for lines without arrow keys. */
function moved(cursor: number, key: Key, count: number): number | undefined {
  const word = key.kind === 'text' ? { n: 'down', p: 'up' }[key.text] : key.kind
  const last = Math.max(0, count - 1)
  switch (word) {
    case 'up':
      return cursor === 0 ? last : cursor - 1
    case 'down':
      return cursor >= last ? 0 : cursor + 1
    case 'page-up':
      return Math.max(0, cursor - 10)
    case 'page-down':
      return Math.min(last, cursor + 10)
    case 'home':
      return 0
    case 'end':
      return last
    default:
      return undefined
  }
}

function digit(key: Key): number | undefined {
  return key.kind === 'text' && /^[1-9]$/.test(key.text) ? Number(key.text) - 1 : undefined
}

/** The marked line. One that is refused stays marked, which shows why. */
function choose(state: MenuState, world: MenuWorld): { state: MenuState; wish?: Wish } {
  if (state.page === 'main') {
    const option = mainOptions(world)[state.cursor]!
    if (option.wish !== 'provision') return { state, wish: { kind: option.wish } as Wish }
    if (option.refusal !== undefined) return { state, wish: { kind: 'ask-server' } }
    return { state: nextQuestion({ ...state, selection: {} }, world) }
  }
  const option = listed(state, world)![state.cursor]!
  if (option.refusal !== undefined) return { state }
  return { state: nextQuestion({ ...state, selection: { ...state.selection, ...option.sets } }, world, state) }
}

/** The first question after the state's own that somebody must answer; with one answer alone it answers itself. */
function nextQuestion(answered: MenuState, world: MenuWorld, from: MenuState = answered): MenuState {
  const trail = [...from.trail, { page: from.page, cursor: from.cursor, selection: from.selection }]
  let { selection } = answered
  for (const page of questions.slice(questions.indexOf(answered.page as Question) + 1)) {
    const options = optionsOf(page, selection, world)
    if (options === undefined) continue
    const answersItself = options.length === 1 && (page === 'root' || page === 'transfer')
    if (!answersItself) return { ...answered, page, selection, trail, cursor: firstUsable(options), input: '' }
    selection = { ...selection, ...options[0]!.sets }
  }
  return { ...answered, page: 'confirm', selection, trail, cursor: 0, input: '' }
}

function firstUsable(options: readonly Option[]): number {
  return Math.max(
    0,
    options.findIndex(({ refusal }) => refusal === undefined),
  )
}

function back(state: MenuState): MenuState {
  const last = state.trail.at(-1)
  return last === undefined ? state : { ...state, ...last, trail: state.trail.slice(0, -1), input: '' }
}

function type(state: MenuState, key: Key, world: MenuWorld): { state: MenuState; wish?: Wish } {
  switch (key.kind) {
    case 'text':
      return { state: { ...state, input: (state.input + key.text).slice(0, longestInput) } }
    case 'erase':
      return { state: { ...state, input: [...state.input].slice(0, -1).join('') } }
    case 'enter':
      return state.page === 'confirm' ? confirm(state, world) : order(state, world, state.input)
    case 'up':
    case 'page-up':
      return { state: { ...state, cursor: Math.max(0, state.cursor - (key.kind === 'up' ? 1 : 8)) } }
    case 'down':
    case 'page-down':
      return {
        state: {
          ...state,
          cursor: Math.min(lastScroll(pictureOf(state.selection, world)), state.cursor + (key.kind === 'down' ? 1 : 8)),
        },
      }
    default:
      return { state }
  }
}

function confirm(state: MenuState, world: MenuWorld): { state: MenuState; wish?: Wish } {
  if (state.input.trim().toLowerCase() !== clearYes) return { state: { ...state, input: '' } }
  const { view } = world
  const needsPassword =
    view.kind === 'offer' && view.offer.provision.kind === 'allowed' && view.offer.provision.needsPassword
  if (!needsPassword) return order(state, world, undefined)
  const { page, cursor, selection } = state
  return {
    state: { ...state, page: 'password', cursor: 0, trail: [...state.trail, { page, cursor, selection }], input: '' },
  }
}

function order(state: MenuState, world: MenuWorld, password: string | undefined): { state: MenuState; wish?: Wish } {
  const choice = choiceOf(state.selection, world.inventory.disks)
  if (choice === undefined) return { state: firstState, wish: { kind: 'ask-server' } }
  return {
    state: { ...state, input: '' },
    wish: { kind: 'deploy', choice: { ...choice, ...(password !== undefined && { password }) } },
  }
}
