import type { TestContext } from 'node:test'
import { BuildUnavailable } from '../../src/build/build-errors.ts'
import { chooseMode } from '../../src/build/mmdebstrap.ts'

/** Whether recipes can be built here; the test is skipped with the reason where not, or fails where nothing may be skipped. */
export async function canBuild(t: TestContext): Promise<boolean> {
  try {
    await chooseMode()
    return true
  } catch (error) {
    if (!(error instanceof BuildUnavailable) || process.env.REQUIRE_INTEROP === '1') throw error
    t.skip(error.message)
    return false
  }
}
