/** GPT partition types by the names layouts use (UEFI specification §5.3.3; Discoverable Partitions Specification). */
export const partitionTypes = {
  'bios-boot': '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  'root-x64': '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  'root-arm64': 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
  home: '933AC7E1-2EB4-4F13-B844-0E14E2AEF915',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  swap: '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F',
  'microsoft-data': 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
} as const

/** The GUIDs that a layout's `type` stands for; undefined when it is neither a GUID nor a known name. */
export function typeGuidsOf(type: string): readonly string[] | undefined {
  if (type === 'root') return [partitionTypes['root-x64'], partitionTypes['root-arm64']]
  if (type in partitionTypes) return [partitionTypes[type as keyof typeof partitionTypes]]
  return /^[0-9a-f]{8}-/i.test(type) ? [type.toUpperCase()] : undefined
}

/** For people: the name of a type, or the type itself. */
export function typeName(type: string): string {
  const found = Object.entries(partitionTypes).find(([, guid]) => guid === type)
  return found?.[0] ?? type
}
