import { Check } from 'typebox/value'
import { type MenuChoice, MenuOffer } from '../../core/console-menu.ts'
import type { Inventory } from '../../core/inventory.ts'
import { ServerRefused } from '../server-client.ts'
import type { Session } from '../session.ts'
import { ConsoleDevice } from './console-device.ts'
import type { Frame } from './frame.ts'
import type { Key } from './keys.ts'
import { firstState, type MenuState, mainOptions, press, toldState, type Wish } from './menu-state.ts'
import { orderChoice } from './order-choice.ts'
import { type Progress, renderProgress, type StepWatcher, withLine, withReport } from './progress-page.ts'
import { pageFrame, renderPage } from './render-page.ts'
import type { MenuWorld, ServerView } from './selection.ts'

/** What the menu does with the machine; main.ts has the real ones. */
export type MenuMachine = {
  /** Devices that are consoles: `/dev/tty0`. */
  consoles: readonly string[]
  /** Address of the server. */
  server: string
  inventory: Inventory
  /** Looks at the disks again. */
  readInventory: () => Promise<Inventory>
  /** The kernel's messages stay away from the consoles, or come back. */
  quietKernel: (isQuiet: boolean) => void
  /** Runs until the person leaves it. */
  shell: (console: string) => Promise<void>
  reboot: () => Promise<void>
  powerOff: () => Promise<void>
}

const askPatienceMs = 8000
/** While there is a reason not to provision, it is asked whether it still holds. */
const askAgainMs = 5000
const tickMs = 1000
const keysAtWork = { working: 'Esc: ordinary lines', ordering: 'Esc: back to the menu', leaving: '' }
const idle: Progress = { title: '', steps: [], lines: [] }

/** The menu on the machine's own screen and serial line at once, over what the agent does meanwhile. */
export class ConsoleMenu {
  readonly #machine: MenuMachine
  #devices: ConsoleDevice[] = []
  #session: Session | undefined
  #view: ServerView = { kind: 'asking' }
  #inventory: Inventory
  /** Whether we draw, and ordinary lines stay away. */
  #isShown = false
  #state: MenuState = firstState
  /** What is at work, or was asked for. */
  #work: 'nothing' | 'ordering' | 'working' | 'leaving' = 'nothing'
  #progress: Progress = idle
  /** The console that was given away to a shell. */
  #lent: string | undefined
  /** The consoles belong to somebody else for the rest of this boot. */
  #isGivenAway = false
  #ticker: NodeJS.Timeout | undefined
  #askedAt = 0

  constructor(machine: MenuMachine) {
    this.#machine = machine
    this.#inventory = machine.inventory
  }

  get isShown(): boolean {
    return this.#isShown
  }

  /** From now on the return key brings the menu, where there is a console of ours. */
  listen(): boolean {
    if (this.#isGivenAway) return false
    if (this.#devices.length === 0) for (const path of this.#machine.consoles) this.#open(path)
    return this.#devices.length > 0
  }

  connected(session: Session): void {
    this.#session = session
    if (this.#isShown) void this.#ask()
  }

  /** The server did not answer; it is still being asked. */
  unreachable(reason: string): void {
    if (this.#session !== undefined) return
    this.#view = { kind: 'unreachable', reason }
    this.#draw()
  }

  /** A line that the agent says: `print` puts it among the ordinary ones. */
  said(line: string, print: (line: string) => void, isPassing: boolean): void {
    if (!isPassing) this.#progress = withLine(this.#progress, line)
    if (this.#isShown) this.#draw()
    else print(line)
  }

  show(): void {
    if (this.#isShown || this.#isGivenAway) return
    this.listen()
    this.#isShown = true
    this.#machine.quietKernel(true)
    if (this.#work === 'nothing') this.#toMain()
    this.#ticker = setInterval(() => this.#tick(), tickMs)
    this.#draw()
  }

  /** The agent works: its steps and lines are shown to who looks. What the work gives is given back. */
  async during<Result>(title: string, work: (watch: StepWatcher) => Promise<Result>): Promise<Result> {
    this.#work = 'working'
    this.#progress = { ...idle, title }
    this.#draw()
    try {
      return await work((report) => {
        this.#progress = withReport(this.#progress, report, performance.now())
      })
    } finally {
      this.#work = 'nothing'
      this.#tell(`${title}: ended`, this.#progress.lines.slice(-12).join('\n'))
    }
  }

  /** Words that a person reads and leaves; where nobody looks they were said already. */
  #tell(title: string, text: string): void {
    this.#state = toldState(title, text)
    this.#draw()
  }

  /** The consoles are ordinary ones again. */
  close(): void {
    this.#hide()
    for (const device of this.#devices) device.close()
    this.#devices = []
  }

  /** Likewise, and no key brings the menu again. */
  giveAway(): void {
    this.close()
    this.#isGivenAway = true
  }

  #hide(): void {
    if (!this.#isShown) return
    this.#isShown = false
    clearInterval(this.#ticker)
    for (const device of this.#devices) device.leave()
    this.#machine.quietKernel(false)
  }

  #open(path: string): void {
    try {
      this.#devices.push(new ConsoleDevice(path, (key) => this.#pressed(key, path)))
    } catch {
      // a console= of the command line without a device behind it
    }
  }

  #pressed(key: Key, path: string): void {
    if (this.#lent !== undefined) return
    if (!this.#isShown) {
      if (key.kind === 'enter') this.show()
      return
    }
    if (key.kind === 'redraw') for (const device of this.#devices) device.forget()
    else if (this.#work !== 'nothing') this.#pressedAtWork(key)
    else this.#pressedInMenu(key, path)
    this.#draw()
  }

  #pressedAtWork(key: Key): void {
    if (key.kind !== 'back' || this.#work === 'leaving') return
    if (this.#work === 'working') {
      this.#hide()
    } else {
      this.#work = 'nothing'
      this.#toMain()
    }
  }

  #pressedInMenu(key: Key, path: string): void {
    const { state, wish } = press(this.#state, key, this.#world())
    this.#state = state
    if (wish !== undefined) void this.#do(wish, path)
  }

  async #do(wish: Wish, path: string): Promise<void> {
    const { reboot, powerOff } = this.#machine
    try {
      if (wish.kind === 'shell') await this.#lend(path)
      else if (wish.kind === 'ask-server') await this.#ask()
      else if (wish.kind === 'deploy') await this.#order(wish.choice)
      else if (wish.kind === 'reboot') await this.#leave('The machine restarts', reboot)
      else await this.#leave('The machine is switched off', powerOff)
    } catch (error) {
      this.#work = 'nothing'
      this.#tell('That did not work', (error as Error).message)
    }
  }

  async #leave(title: string, leave: () => Promise<void>): Promise<void> {
    this.#work = 'leaving'
    this.#progress = { ...idle, title }
    this.#draw()
    await leave()
  }

  async #lend(path: string): Promise<void> {
    this.#lent = path
    for (const device of this.#devices.filter((each) => each.path === path)) {
      device.leave()
      device.close()
    }
    this.#devices = this.#devices.filter((each) => each.path !== path)
    this.#draw()
    try {
      await this.#machine.shell(path)
    } finally {
      this.#lent = undefined
      this.#open(path)
      for (const device of this.#devices) device.forget()
      this.#toMain()
    }
  }

  async #order(choice: MenuChoice): Promise<void> {
    this.#work = 'ordering'
    this.#progress = { ...idle, title: 'The server is asked for this' }
    this.#draw()
    const line = (text: string) => {
      this.#progress = withLine(this.#progress, text)
      this.#draw()
    }
    const answer = await orderChoice(this.#session!, choice, line).catch((error: Error) => error)
    // The order itself may have come first.
    if (this.#work !== 'ordering') return
    if (!(answer instanceof Error)) return line('the order is on its way')
    this.#work = 'nothing'
    if (answer instanceof ServerRefused) this.#tell('The server refused this', answer.detail)
    else this.#tell('The server was not reached', answer.message)
  }

  #toMain(): void {
    this.#state = firstState
    void this.#ask()
  }

  async #ask(): Promise<void> {
    this.#askedAt = performance.now()
    await this.#lookAtDisks()
    if (this.#session !== undefined) this.#view = await askOffer(this.#session)
    this.#draw()
  }

  /** In a shell a person may have changed them; the server checks choices by what it knows of them. */
  async #lookAtDisks(): Promise<void> {
    const inventory = await this.#machine.readInventory().catch(() => this.#inventory)
    const hasChanged = JSON.stringify(inventory) !== JSON.stringify(this.#inventory)
    this.#inventory = inventory
    const { client } = this.#session ?? {}
    if (hasChanged)
      await client?.request('POST', '/agent/inventory', inventory, { patienceMs: askPatienceMs }).catch(() => undefined)
  }

  #tick(): void {
    const [provision] = mainOptions(this.#world())
    const isBlocked = this.#work === 'nothing' && this.#state.page === 'main' && provision?.refusal !== undefined
    if (isBlocked && performance.now() - this.#askedAt > askAgainMs) void this.#ask()
    this.#draw()
  }

  #world(): MenuWorld {
    const { server } = this.#machine
    return {
      machine: this.#session?.machine.name ?? 'this machine',
      server,
      inventory: this.#inventory,
      view: this.#view,
    }
  }

  #draw(): void {
    if (!this.#isShown) return
    const frame = this.#frame()
    for (const device of this.#devices) device.draw(frame)
  }

  #frame(): Frame {
    const world = this.#world()
    if (this.#lent !== undefined) return pageFrame(world.machine, `A shell is open at ${this.#lent}`, new Map(), '')
    if (this.#work === 'nothing') return renderPage(this.#state, world)
    return renderProgress(this.#progress, world.machine, keysAtWork[this.#work], performance.now())
  }
}

/** What the server offers, or in words why it does not. */
async function askOffer({ client }: Session): Promise<ServerView> {
  try {
    const offer = await client.request('GET', '/agent/menu', undefined, { timeoutMs: 5000, patienceMs: askPatienceMs })
    if (Check(MenuOffer, offer)) return { kind: 'offer', offer }
    return { kind: 'unreachable', reason: 'its answer is not understood; is the ramdisk older than the server?' }
  } catch (error) {
    if (!(error instanceof ServerRefused)) return { kind: 'unreachable', reason: (error as Error).message }
    const reason = error.detail
    return { kind: 'offer', offer: { provision: { kind: 'refused', reason }, images: [], layouts: [], transfers: [] } }
  }
}
