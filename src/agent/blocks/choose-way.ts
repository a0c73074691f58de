/** What a quick look at a device showed, before anything is written to it. */
export type DeviceProbe = {
  /** Of the rows that were looked at, how many hold already what they should, 0 to 1. */
  matchShare: number
  readBytesPerSecond: number
}

/** How a device is written, and why, in words. Only a device that holds nothing of the version is discarded. */
export type WriteWay = { way: 'compare' | 'blind'; discard: boolean; because: string }

/** Comparing may take so much longer than writing everything: other machines want the network too. */
const patience = 1.25
/** 1 Gbit/s, of what is about half when it is compressed. */
const usualLinkBytesPerSecond = 2 * 117e6

/**
 * Whether what is there is read and compared first, which moves only what differs, or everything is fetched and written. The
 * same decides how a write that was cut off goes on. `linkBytesPerSecond` is of content, once it is unpacked.
 */
export function chooseWay(
  { matchShare, readBytesPerSecond }: DeviceProbe,
  linkBytesPerSecond: number | undefined,
): WriteWay {
  if (matchShare === 0) return { way: 'blind', discard: true, because: 'the device holds nothing of the version' }
  // Disks write about as fast as they read, or slower.
  const movedPerSecond = Math.min(readBytesPerSecond, linkBytesPerSecond ?? usualLinkBytesPerSecond)
  const compareTime = 1 / readBytesPerSecond + (1 - matchShare) / movedPerSecond
  const blindTime = 1 / movedPerSecond
  const share = `${Math.round(matchShare * 100)} % of a sample is there already`
  const rate = `it reads ${Math.round(readBytesPerSecond / 1e6)} MB/s`
  if (compareTime <= blindTime * patience) return { way: 'compare', discard: false, because: `${share}, ${rate}` }
  return { way: 'blind', discard: false, because: `${share}, but ${rate}: writing all of it is quicker` }
}
