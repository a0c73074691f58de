import { runProgram } from '../programs/run-program.ts'

/** Debian's name for what this machine's packages are made for. Throws ProgramFailed. */
export async function hostArchitecture(): Promise<string> {
  return (await runProgram('dpkg', ['--print-architecture'], { timeoutMs: 60_000 })).trim()
}
