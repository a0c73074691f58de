/** `lanes` loops that share one list: as many items are under way at once, which bounds the memory. */
export function takeTurns<Item>(
  items: readonly Item[],
  lanes: number,
  work: (item: Item, lane: number) => Promise<void>,
) {
  let next = 0
  return Array.from({ length: lanes }, async (_, lane) => {
    while (next < items.length) await work(items[next++]!, lane)
  })
}
