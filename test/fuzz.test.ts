import { dnsTargets } from './fuzz/dns-targets.ts'
import { fuzz } from './fuzz/fuzz.ts'
import { imageTargets } from './fuzz/image-targets.ts'
import { packetTargets } from './fuzz/packet-targets.ts'
import { textTargets } from './fuzz/text-targets.ts'

fuzz([...packetTargets, ...dnsTargets, ...imageTargets, ...textTargets])
