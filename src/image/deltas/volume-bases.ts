/** The rows of the old volume against which a row of the new one is compressed: those around it, itself last, nearest. */
const offsets = [-2, -1, 1, 2, 0]

/**
 * The base of one row. `readOld` gives a row of the old volume as its manifest says (blocks nobody cares about are
 * zeros), undefined where it has no chunk. Who writes onto the old volume in place has to keep its rows a while.
 */
export async function readVolumeBase(
  row: number,
  readOld: (row: number) => Promise<Buffer | undefined>,
): Promise<Buffer> {
  const parts = await Promise.all(offsets.map((offset) => readOld(row + offset)))
  return Buffer.concat(parts.filter((part) => part !== undefined))
}
