import { bindLibc, checkResult } from './libc.ts'
import { socketAddress } from './socket.ts'

/*
 * The kernel's ARP table, one ioctl an entry (net/ipv4/arp.c). struct arpreq, 68 bytes: protocol address (16), hardware
 * address (16), flags (4), netmask (16), device name (16).
 */
const SIOCSARP = 0x8955
const ARPHRD_ETHER = 1
/** The entry holds a hardware address. */
const ATF_COM = 2

const ioctl = bindLibc<(fd: number, request: number, argument: Uint8Array) => number>(
  'int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)',
)

export type Neighbour = { interface: string; address: string }

/**
 * Lets the next datagrams to `address` go to the six bytes of `hardwareAddress` without asking by ARP: for a client
 * that was offered the address and cannot answer for it yet. The entry is "stale", so the kernel sends at once and
 * checks later, and nothing is left behind. `fd` is any IPv4 socket. Needs CAP_NET_ADMIN. Throws LinuxError.
 */
export function setNeighbour(fd: number, neighbour: Neighbour, hardwareAddress: Uint8Array): void {
  const request = arpRequest(neighbour)
  request.writeUInt16LE(ARPHRD_ETHER, 16)
  request.set(hardwareAddress.subarray(0, 6), 18)
  request.writeInt32LE(ATF_COM, 32)
  checkResult(ioctl(fd, SIOCSARP, request), () => `ioctl(SIOCSARP ${neighbour.address} on ${neighbour.interface})`)
}

function arpRequest({ interface: name, address }: Neighbour): Buffer {
  const request = Buffer.alloc(68)
  request.set(socketAddress(address, 0), 0)
  request.write(name, 52, 15, 'latin1')
  return request
}
