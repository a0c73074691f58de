import { DecodeError } from '../bytes/decode-error.ts'

export const headerBytes = 12

/** Where one record stands: its name at `at`, the record behind it at `end`. RFC 1035 §4.1.3. */
export type RecordPlace = {
  section: 'answer' | 'authority' | 'additional'
  type: number
  at: number
  ttlAt: number
  dataAt: number
  end: number
}

/** The question's and the records' places; nothing of what they say is looked at. Throws DecodeError. */
export function layOutMessage(message: Buffer): { questionEnd: number; records: RecordPlace[] } {
  const questionEnd = endOfQuestion(message)
  const records: RecordPlace[] = []
  let at = questionEnd
  for (const [index, section] of (['answer', 'authority', 'additional'] as const).entries()) {
    for (let left = message.readUInt16BE(6 + 2 * index); left > 0; left--) {
      const record = layOutRecord(message, at, section)
      records.push(record)
      at = record.end
    }
  }
  return { questionEnd, records }
}

/** Behind the only question. Throws DecodeError, also where there is another number of them. */
export function endOfQuestion(message: Buffer): number {
  if (message.length < headerBytes) throw new DecodeError('DNS message', `it has ${message.length} bytes`)
  const count = message.readUInt16BE(4)
  if (count !== 1) throw new DecodeError('DNS message', `it has ${count} questions`)
  const end = endOfName(message, headerBytes, 'no pointer') + 4
  if (end > message.length) throw new DecodeError('DNS message', 'its question is cut off', headerBytes)
  return end
}

function layOutRecord(message: Buffer, at: number, section: RecordPlace['section']): RecordPlace {
  const nameEnd = endOfName(message, at, 'or pointer')
  const dataAt = nameEnd + 10
  if (dataAt > message.length) throw new DecodeError('DNS record', 'it is cut off', at)
  const end = dataAt + message.readUInt16BE(nameEnd + 8)
  if (end > message.length) throw new DecodeError('DNS record', 'its data is cut off', at)
  return { section, type: message.readUInt16BE(nameEnd), at, ttlAt: nameEnd + 4, dataAt, end }
}

/** A question stands before everything that it could point to. */
function endOfName(message: Buffer, at: number, form: 'no pointer' | 'or pointer'): number {
  for (let label = at; label < message.length; ) {
    const length = message[label]!
    if (length === 0) return label + 1
    if (length >= 0xc0 && form === 'or pointer') return label + 2
    if (length > 63) throw new DecodeError('DNS name', `a label of ${length} bytes`, label)
    label += 1 + length
  }
  throw new DecodeError('DNS name', 'it is cut off', at)
}
