import { describeHookFailure } from '../../core/hook-end.ts'
import { secretMask } from '../../core/mask-secrets.ts'
import { type Hook, hookEnvironment, hooksAt } from '../../core/setup.ts'
import { describeScope } from '../../core/setup-scope.ts'
import type { DeployContext } from '../deploy-context.ts'
import { InsideRoot } from '../inside-root.ts'
import { say } from '../say.ts'
import { HookOutput } from './hook-output.ts'
import { runScript } from './run-script.ts'

/** A hook did not end well; the message has its last words. */
export class HookFailed extends Error {
  override readonly name = 'HookFailed'
}

type StepPoint = 'before-partition' | 'after-write'
type Place = {
  /** Of the disk that was chosen. */
  device: string
  /** A chroot, whose /run may be written. */
  root?: string
}

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const scriptPath = '/run/bootwright/hook'
/** The server takes a step for dead that says nothing for a quarter of an hour. */
const aliveMs = 60_000

export function hasHooks({ setup }: DeployContext, point: StepPoint): boolean {
  return setup !== undefined && hooksAt(setup, point).length > 0
}

/** Runs the hooks of a point, one after the other. Gives the sentence for the timeline. Throws HookFailed. */
export async function runHooks(context: DeployContext, point: StepPoint, place: Place): Promise<string> {
  const { reporter, setup = { hooks: [], variables: [], files: [] } } = context
  const output = new HookOutput({
    mask: secretMask(setup.variables),
    show: (line) => say(`${point} | ${line}`),
    tell: (offset, lines) => reporter.output(point, offset, lines),
  })
  const environment = {
    PATH: searchPath,
    HOME: '/root',
    LC_ALL: 'C',
    ...hookEnvironment(setup.variables),
    BOOTWRIGHT_POINT: point,
    BOOTWRIGHT_DISK: place.device,
  }
  const alive = setInterval(() => reporter.progress(point, 0, undefined), aliveMs)
  try {
    const hooks = hooksAt(setup, point)
    for (const hook of hooks) await runHook(hook, { context, place, output, environment })
    return hooks.map(({ scope }) => describeScope(scope)).join(', ')
  } finally {
    clearInterval(alive)
    output.flush()
  }
}

async function runHook(
  hook: Hook,
  {
    context,
    place,
    output,
    environment,
  }: {
    context: DeployContext
    place: Place
    output: HookOutput
    environment: Record<string, string>
  },
): Promise<void> {
  say(`${hook.point}: the hook of ${describeScope(hook.scope)} runs, for up to ${hook.timeoutSeconds} s`)
  const root = new InsideRoot(place.root ?? '/')
  root.writeText(scriptPath, hook.script, 0o700)
  try {
    const end = await runScript({
      path: scriptPath,
      ...(place.root !== undefined && { root: place.root }),
      environment,
      timeoutSeconds: hook.timeoutSeconds,
      signal: context.signal,
      onLine: (line) => output.add(line),
    })
    const failure = describeHookFailure(hook, end, output.takeLast())
    if (failure !== undefined) throw new HookFailed(failure)
  } finally {
    root.remove(scriptPath)
  }
}
