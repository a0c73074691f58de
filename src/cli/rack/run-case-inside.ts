// Entry inside a rack: runs one rack case and tells its result.
import { basename } from 'node:path'
import { endWithOuterProcess } from '../../rack/namespace.ts'
import type { CaseResult, RackCase } from './case.ts'
import { readTask, tell } from './rack-message.ts'
import { RackSite } from './site.ts'

endWithOuterProcess()
const task = readTask()
const startedAt = performance.now()
tell({ kind: 'result', result: await runCase(task.casePath ?? '') })
process.disconnect?.()
process.exit(0)

async function runCase(path: string): Promise<CaseResult> {
  const name = basename(path, '.ts')
  try {
    const { rackCase } = (await import(path)) as { rackCase: RackCase }
    await using site = await RackSite.open({
      directory: task.directory,
      supplies: task.supplies,
      rackCase,
      log: (line) => tell({ kind: 'log', line }),
      onEvent: (event, machine) => tell({ kind: 'event', event, machine }),
    })
    const figures = await rackCase.run(site)
    return { case: name, ok: true, secondsTotal: secondsSinceStart(), ...figures }
  } catch (error) {
    const failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    if (error instanceof Error && error.stack) tell({ kind: 'log', line: error.stack })
    return { case: name, ok: false, secondsTotal: secondsSinceStart(), failure }
  }
}

function secondsSinceStart(): number {
  return Math.round((performance.now() - startedAt) / 100) / 10
}
