import type { RackCase } from '../../src/cli/rack/case.ts'
import { OldNetwork, oldMachine } from './networks/old-network.ts'

const network = new OldNetwork('dhcpd', {
  configuration: () => `# PXELINUX from a TFTP server that stays
option configfile code 209 = text;
option dhcp-parameter-request-list = concat(option dhcp-parameter-request-list, d1);
authoritative;
subnet 10.77.0.0 netmask 255.255.255.0 {
  range 10.77.0.100 10.77.0.120;
}
group {
  filename "pxelinux.0";
  next-server ${oldMachine.server};
  option configfile "roles/worker.cfg";
  host worker-1 { hardware ethernet ${oldMachine.mac}; fixed-address ${oldMachine.address}; }
}
`,
  fileServer: (files) => `port=0
interface=${oldMachine.interface}
bind-interfaces
enable-tftp
tftp-root=${files}
`,
})

export const rackCase: RackCase = {
  name: 'import-dhcpd-boot',
  describe: 'a machine that dhcpd boots boots the same from its imported dhcpd.conf',
  set: 'long',
  ...network.setting,
}
