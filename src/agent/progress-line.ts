/** `120 of 266 MB (45 %), 23.1 MB/s, 6 s left`; rate and rest from the average since the step began. */
export function describeProgress(bytesDone: number, bytesTotal: number | undefined, seconds: number): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0)
  const bytesPerSecond = seconds > 0 ? bytesDone / seconds : 0
  const rate = `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`
  if (bytesTotal === undefined || bytesTotal === 0) return `${megabytes(bytesDone)} MB, ${rate}`
  const percent = Math.floor((bytesDone / bytesTotal) * 100)
  const left = bytesPerSecond > 0 ? `, ${Math.ceil((bytesTotal - bytesDone) / bytesPerSecond)} s left` : ''
  return `${megabytes(bytesDone)} of ${megabytes(bytesTotal)} MB (${percent} %), ${rate}${left}`
}
