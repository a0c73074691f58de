/** Keys by the time at which they are due, earliest first: a binary heap, so 50,000 leases cost 16 steps. */
export class ExpiryQueue<Key> {
  readonly #heap: { at: number; key: Key }[] = []

  push(at: number, key: Key): void {
    const heap = this.#heap
    let index = heap.length
    const entry = { at, key }
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.at <= at) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  peek(): { at: number; key: Key } | undefined {
    return this.#heap[0]
  }

  pop(): { at: number; key: Key } | undefined {
    const heap = this.#heap
    const first = heap[0]
    const moved = heap.pop()
    if (!first || !moved || heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child += 1
      if (heap[child]!.at >= moved.at) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = moved
    return first
  }
}
