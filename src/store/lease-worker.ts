import { parentPort, workerData } from 'node:worker_threads'
import { LeaseJournal } from './lease-journal.ts'
import type { LeaseWorkerAnswer, LeaseWorkerData, LeaseWorkerRequest } from './lease-store.ts'

/*
 * The thread that waits for the disk. A request is the records that stand in the shared memory: all leases that came
 * while the last ones were being synced. The answer is posted when they are on disk.
 */
const { file, records } = workerData as LeaseWorkerData
const port = parentPort!
const batch = new Uint8Array(records)
const journal = new LeaseJournal(file)
/** Half of what is made at once, so that the next leases find it. */
const roomAheadBytes = 512 << 10

port.on('message', ({ sizeBytes }: LeaseWorkerRequest) => {
  if (sizeBytes === 0) {
    journal.close()
    port.close()
    return
  }
  try {
    journal.append(batch.subarray(0, sizeBytes))
    port.postMessage({ kind: 'committed' } satisfies LeaseWorkerAnswer)
  } catch (error) {
    port.postMessage({ kind: 'failed', reason: (error as Error).message } satisfies LeaseWorkerAnswer)
    return
  }
  prepareForNext()
})
port.postMessage({ kind: 'committed' } satisfies LeaseWorkerAnswer)

/** What would make a later lease wait; nobody does now. */
function prepareForNext(): void {
  try {
    journal.makeRoom(roomAheadBytes)
  } catch {
    // The lease that needs the room will say why there is none.
  }
  if (journal.needsCompaction) void journal.compact()
}
