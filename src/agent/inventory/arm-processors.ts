/** Processors by the maker's and the part's numbers (MIDR_EL1, as /proc/cpuinfo writes them); arm64 has no names for them. */
const processors: Readonly<Record<string, string>> = {
  '0x41 0xd03': 'ARM Cortex-A53',
  '0x41 0xd05': 'ARM Cortex-A55',
  '0x41 0xd07': 'ARM Cortex-A57',
  '0x41 0xd08': 'ARM Cortex-A72',
  '0x41 0xd09': 'ARM Cortex-A73',
  '0x41 0xd0a': 'ARM Cortex-A75',
  '0x41 0xd0b': 'ARM Cortex-A76',
  '0x41 0xd0c': 'ARM Neoverse-N1',
  '0x41 0xd40': 'ARM Neoverse-V1',
  '0x41 0xd49': 'ARM Neoverse-N2',
  '0x41 0xd4f': 'ARM Neoverse-V2',
  '0x42 0x516': 'Broadcom ThunderX2',
  '0x43 0x0a1': 'Cavium ThunderX',
  '0x43 0x0af': 'Cavium ThunderX2',
  '0x46 0x001': 'Fujitsu A64FX',
  '0x48 0xd01': 'HiSilicon Kunpeng 920',
  '0xc0 0xac3': 'Ampere-1',
  '0xc0 0xac4': 'Ampere-1a',
}

/** The first processor's name, or its numbers; undefined where the text has none (/proc/cpuinfo of another architecture). */
export function armProcessor(cpuInfo: string): string | undefined {
  const maker = /^CPU implementer\s*:\s*(0x[0-9a-f]+)$/m.exec(cpuInfo)?.[1]
  const part = /^CPU part\s*:\s*(0x[0-9a-f]+)$/m.exec(cpuInfo)?.[1]
  if (maker === undefined || part === undefined) return undefined
  return processors[`${maker} ${part}`] ?? `maker ${maker}, part ${part}`
}
