echo 'bootwright-step: clean up'
# one installation, not the image: each machine makes its own
# abrt-data
if [ -d /var/spool/abrt ] && [ ! -L /var/spool/abrt ]; then find /var/spool/abrt -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
# bash-history
if [ -d /root ] && [ ! -L /root ]; then find /root -mindepth 1 -maxdepth 1 ! -type d \( -name '.bash_history' \) -exec rm -f {} +; fi
for place in /home/*; do if [ -d "$place" ] && [ ! -L "$place" ]; then find "$place" -mindepth 1 -maxdepth 1 ! -type d \( -name '.bash_history' \) -exec rm -f {} +; fi; done
# blkid-tab
if [ -d /var/run ] && [ ! -L /var/run ]; then find /var/run -mindepth 1 -maxdepth 1 ! -type d \( -name 'blkid.tab' -o -name 'blkid.tab.old' \) -exec rm -f {} +; fi
if [ -d /run/blkid ] && [ ! -L /run/blkid ]; then find /run/blkid -mindepth 1 -maxdepth 1 ! -type d \( -name 'blkid.tab' -o -name 'blkid.tab.old' \) -exec rm -f {} +; fi
if [ -d /etc/blkid ] && [ ! -L /etc/blkid ]; then find /etc/blkid -mindepth 1 -maxdepth 1 ! -type d \( -name 'blkid.tab' -o -name 'blkid.tab.old' \) -exec rm -f {} +; fi
if [ -d /etc ] && [ ! -L /etc ]; then find /etc -mindepth 1 -maxdepth 1 ! -type d \( -name 'blkid.tab' -o -name 'blkid.tab.old' \) -exec rm -f {} +; fi
if [ -d /dev ] && [ ! -L /dev ]; then find /dev -mindepth 1 -maxdepth 1 ! -type d \( -name '.blkid.tab' -o -name '.blkid.tab.old' \) -exec rm -f {} +; fi
# crash-data
if [ -d /var/crash ] && [ ! -L /var/crash ]; then find /var/crash -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/log/dump ] && [ ! -L /var/log/dump ]; then find /var/log/dump -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
# cron-spool
if [ -d /var/spool/cron ] && [ ! -L /var/spool/cron ]; then find /var/spool/cron -mindepth 1 ! -type d -exec rm -f {} +; fi
if [ -d /var/spool/at ] && [ ! -L /var/spool/at ]; then find /var/spool/at -mindepth 1 ! -type d -exec rm -f {} +; fi
if [ -d /var/spool/atjobs ] && [ ! -L /var/spool/atjobs ]; then find /var/spool/atjobs -mindepth 1 ! -type d -exec rm -f {} +; fi
if [ -d /var/spool/atspool ] && [ ! -L /var/spool/atspool ]; then find /var/spool/atspool -mindepth 1 ! -type d -exec rm -f {} +; fi
# dhcp-client-state
if [ -d /var/lib/dhclient ] && [ ! -L /var/lib/dhclient ]; then find /var/lib/dhclient -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/lib/dhcp ] && [ ! -L /var/lib/dhcp ]; then find /var/lib/dhcp -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/lib/dhcpcd ] && [ ! -L /var/lib/dhcpcd ]; then find /var/lib/dhcpcd -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/lib/NetworkManager ] && [ ! -L /var/lib/NetworkManager ]; then find /var/lib/NetworkManager -mindepth 1 -maxdepth 1 \( -name '*.lease' \) -exec rm -rf {} +; fi
# logfiles
if [ -d /var/log ] && [ ! -L /var/log ]; then find /var/log -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log*' -o -name 'btmp*' -o -name 'cron*' -o -name 'dmesg*' -o -name 'lastlog*' -o -name 'maillog*' -o -name 'messages*' -o -name 'secure*' -o -name 'spooler*' -o -name 'tallylog*' -o -name 'wtmp*' -o -name 'debug*' -o -name 'syslog*' -o -name 'faillog*' -o -name 'firewalld*' -o -name 'grubby*' -o -name 'xferlog*' -o -name 'ntp' -o -name 'anaconda.syslog' -o -name 'dpkg.log*' -o -name 'alternatives.log*' \) -exec rm -f {} +; fi
if [ -d /var/log/audit ] && [ ! -L /var/log/audit ]; then find /var/log/audit -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/mail ] && [ ! -L /var/log/mail ]; then find /var/log/mail -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/apache2 ] && [ ! -L /var/log/apache2 ]; then find /var/log/apache2 -mindepth 1 -maxdepth 1 ! -type d \( -name '*_log' -o -name '*_log-*' \) -exec rm -f {} +; fi
if [ -d /var/log/httpd ] && [ ! -L /var/log/httpd ]; then find /var/log/httpd -mindepth 1 -maxdepth 1 ! -type d \( -name '*log' \) -exec rm -f {} +; fi
if [ -d /var/log/tuned ] && [ ! -L /var/log/tuned ]; then find /var/log/tuned -mindepth 1 -maxdepth 1 ! -type d \( -name 'tuned.log' \) -exec rm -f {} +; fi
if [ -d /var/log/BackupPC ] && [ ! -L /var/log/BackupPC ]; then find /var/log/BackupPC -mindepth 1 -maxdepth 1 ! -type d \( -name 'LOG' \) -exec rm -f {} +; fi
if [ -d /var/log/ceph ] && [ ! -L /var/log/ceph ]; then find /var/log/ceph -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/chrony ] && [ ! -L /var/log/chrony ]; then find /var/log/chrony -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/cups ] && [ ! -L /var/log/cups ]; then find /var/log/cups -mindepth 1 -maxdepth 1 ! -type d \( -name '*_log*' \) -exec rm -f {} +; fi
if [ -d /var/log/glusterfs ] && [ ! -L /var/log/glusterfs ]; then find /var/log/glusterfs -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/jetty ] && [ ! -L /var/log/jetty ]; then find /var/log/jetty -mindepth 1 -maxdepth 1 ! -type d \( -name 'jetty-console.log' \) -exec rm -f {} +; fi
if [ -d /var/log/libvirt ] && [ ! -L /var/log/libvirt ]; then find /var/log/libvirt -mindepth 1 -maxdepth 1 ! -type d \( -name 'libvirtd.log' \) -exec rm -f {} +; fi
if [ -d /var/log/libvirt/libxl ] && [ ! -L /var/log/libvirt/libxl ]; then find /var/log/libvirt/libxl -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/libvirt/lxc ] && [ ! -L /var/log/libvirt/lxc ]; then find /var/log/libvirt/lxc -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/libvirt/qemu ] && [ ! -L /var/log/libvirt/qemu ]; then find /var/log/libvirt/qemu -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/libvirt/uml ] && [ ! -L /var/log/libvirt/uml ]; then find /var/log/libvirt/uml -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/ppp ] && [ ! -L /var/log/ppp ]; then find /var/log/ppp -mindepth 1 -maxdepth 1 ! -type d \( -name 'connect-errors' \) -exec rm -f {} +; fi
if [ -d /var/log/setroubleshoot ] && [ ! -L /var/log/setroubleshoot ]; then find /var/log/setroubleshoot -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/squid ] && [ ! -L /var/log/squid ]; then find /var/log/squid -mindepth 1 -maxdepth 1 ! -type d \( -name '*.log' \) -exec rm -f {} +; fi
if [ -d /var/log/anaconda ] && [ ! -L /var/log/anaconda ]; then find /var/log/anaconda -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/installer ] && [ ! -L /var/log/installer ]; then find /var/log/installer -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/sa ] && [ ! -L /var/log/sa ]; then find /var/log/sa -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/gdm ] && [ ! -L /var/log/gdm ]; then find /var/log/gdm -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/lightdm ] && [ ! -L /var/log/lightdm ]; then find /var/log/lightdm -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/ntpstats ] && [ ! -L /var/log/ntpstats ]; then find /var/log/ntpstats -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/apt ] && [ ! -L /var/log/apt ]; then find /var/log/apt -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/unattended-upgrades ] && [ ! -L /var/log/unattended-upgrades ]; then find /var/log/unattended-upgrades -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/log/sysstat ] && [ ! -L /var/log/sysstat ]; then find /var/log/sysstat -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
if [ -d /var/named/data ] && [ ! -L /var/named/data ]; then find /var/named/data -mindepth 1 -maxdepth 1 ! -type d \( -name 'named.run' \) -exec rm -f {} +; fi
if [ -d /var/lib ] && [ ! -L /var/lib ]; then find /var/lib -mindepth 1 -maxdepth 1 ! -type d \( -name 'logrotate.status' \) -exec rm -f {} +; fi
if [ -d /var/lib/logrotate ] && [ ! -L /var/lib/logrotate ]; then find /var/lib/logrotate -mindepth 1 -maxdepth 1 ! -type d \( -name 'status' \) -exec rm -f {} +; fi
if [ -d /root ] && [ ! -L /root ]; then find /root -mindepth 1 -maxdepth 1 ! -type d \( -name 'install.log' -o -name 'install.log.syslog' -o -name 'anaconda-ks.cfg' -o -name 'anaconda-post.log' -o -name 'initial-setup-ks.cfg' -o -name 'original-ks.cfg' \) -exec rm -f {} +; fi
if [ -d /var/log/journal ] && [ ! -L /var/log/journal ]; then find /var/log/journal -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/cache/gdm ] && [ ! -L /var/cache/gdm ]; then find /var/cache/gdm -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/lib/AccountsService/users ] && [ ! -L /var/lib/AccountsService/users ]; then find /var/lib/AccountsService/users -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/lib/fprint ] && [ ! -L /var/lib/fprint ]; then find /var/lib/fprint -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/cache/fontconfig ] && [ ! -L /var/cache/fontconfig ]; then find /var/cache/fontconfig -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/cache/man ] && [ ! -L /var/cache/man ]; then find /var/cache/man -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
# machine-id
if [ -d /var/lib/dbus ] && [ ! -L /var/lib/dbus ]; then find /var/lib/dbus -mindepth 1 -maxdepth 1 ! -type d \( -name 'machine-id' \) -exec rm -f {} +; fi
if [ -f /etc/machine-id ]; then : > /etc/machine-id; fi
# mail-spool
if [ -d /var/spool/mail ] && [ ! -L /var/spool/mail ]; then find /var/spool/mail -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
if [ -d /var/mail ] && [ ! -L /var/mail ]; then find /var/mail -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
# net-hostname
for file in /etc/sysconfig/network-scripts/ifcfg-*; do if [ -f "$file" ]; then sed -i -e '/^HOSTNAME=/d' -e '/^DHCP_HOSTNAME=/d' "$file"; fi; done
# net-hwaddr
for file in /etc/sysconfig/network-scripts/ifcfg-*; do if [ -f "$file" ]; then sed -i -e '/^HWADDR=/d' "$file"; fi; done
# pacct-log
if [ -d /var/account ] && [ ! -L /var/account ]; then find /var/account -mindepth 1 -maxdepth 1 ! -type d \( -name 'pacct?*' \) -exec rm -f {} +; fi
if [ -d /var/log/account ] && [ ! -L /var/log/account ]; then find /var/log/account -mindepth 1 -maxdepth 1 ! -type d \( -name 'pacct?*' \) -exec rm -f {} +; fi
if [ -f /var/account/pacct ]; then : > /var/account/pacct; fi
if [ -f /var/log/account/pacct ]; then : > /var/log/account/pacct; fi
# package-manager-cache
if [ -d /var/cache/apt ] && [ ! -L /var/cache/apt ]; then find /var/cache/apt -mindepth 1 -maxdepth 1 ! -type d \( -name '*.bin' \) -exec rm -f {} +; fi
if [ -d /var/cache/apt/archives ] && [ ! -L /var/cache/apt/archives ]; then find /var/cache/apt/archives -mindepth 1 ! -type d -exec rm -f {} +; fi
if [ -d /var/cache/dnf ] && [ ! -L /var/cache/dnf ]; then find /var/cache/dnf -mindepth 1 ! -type d -exec rm -f {} +; fi
if [ -d /var/cache/libdnf5 ] && [ ! -L /var/cache/libdnf5 ]; then find /var/cache/libdnf5 -mindepth 1 ! -type d -exec rm -f {} +; fi
if [ -d /var/cache/yum ] && [ ! -L /var/cache/yum ]; then find /var/cache/yum -mindepth 1 ! -type d -exec rm -f {} +; fi
for place in /var/cache/zypp*; do if [ -d "$place" ] && [ ! -L "$place" ]; then find "$place" -mindepth 1 ! -type d -exec rm -f {} +; fi; done
# puppet-data-log
if [ -d /var/log/puppet ] && [ ! -L /var/log/puppet ]; then find /var/log/puppet -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi
for place in /var/lib/puppet/*; do if [ -d "$place" ] && [ ! -L "$place" ]; then find "$place" -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi; done
for place in /var/lib/puppet/*/*; do if [ -d "$place" ] && [ ! -L "$place" ]; then find "$place" -mindepth 1 -maxdepth 1 ! -type d \( -name '*' \) -exec rm -f {} +; fi; done
# random-seed
if [ -d /var/lib/systemd ] && [ ! -L /var/lib/systemd ]; then find /var/lib/systemd -mindepth 1 -maxdepth 1 ! -type d \( -name 'random-seed' -o -name 'credential.secret' \) -exec rm -f {} +; fi
if [ -d /var/lib ] && [ ! -L /var/lib ]; then find /var/lib -mindepth 1 -maxdepth 1 ! -type d \( -name 'random-seed' \) -exec rm -f {} +; fi
if [ -d /var/lib/urandom ] && [ ! -L /var/lib/urandom ]; then find /var/lib/urandom -mindepth 1 -maxdepth 1 ! -type d \( -name 'random-seed' \) -exec rm -f {} +; fi
if [ -d /var/lib/NetworkManager ] && [ ! -L /var/lib/NetworkManager ]; then find /var/lib/NetworkManager -mindepth 1 -maxdepth 1 ! -type d \( -name 'secret_key' \) -exec rm -f {} +; fi
# rpm-db
if [ -d /var/lib/rpm ] && [ ! -L /var/lib/rpm ]; then find /var/lib/rpm -mindepth 1 -maxdepth 1 ! -type d \( -name '__db.*' \) -exec rm -f {} +; fi
# ssh-hostkeys
if [ -d /etc/ssh ] && [ ! -L /etc/ssh ]; then find /etc/ssh -mindepth 1 -maxdepth 1 ! -type d \( -name '*_host_*' \) -exec rm -f {} +; fi
# tmp-files
if [ -d /var/tmp ] && [ ! -L /var/tmp ]; then find /var/tmp -mindepth 1 -maxdepth 1 \( -name '*' \) -exec rm -rf {} +; fi
# udev-persistent-net
if [ -d /etc/udev/rules.d ] && [ ! -L /etc/udev/rules.d ]; then find /etc/udev/rules.d -mindepth 1 -maxdepth 1 ! -type d \( -name '70-persistent-net.rules' \) -exec rm -f {} +; fi
# utmp
if [ -d /var/run ] && [ ! -L /var/run ]; then find /var/run -mindepth 1 -maxdepth 1 ! -type d \( -name 'utmp' \) -exec rm -f {} +; fi
if [ -d /run ] && [ ! -L /run ]; then find /run -mindepth 1 -maxdepth 1 ! -type d \( -name 'utmp' \) -exec rm -f {} +; fi
# yum-uuid
if [ -d /var/lib/yum ] && [ ! -L /var/lib/yum ]; then find /var/lib/yum -mindepth 1 -maxdepth 1 ! -type d \( -name 'uuid' \) -exec rm -f {} +; fi
rm -f /etc/hostid /etc/lvm/devices/system.devices
# the machine that built it: its mirror and its resolver (a package may have kept a copy of that)
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/0000*.list /etc/apt/apt.conf.d/99mmdebstrap
if [ -d /bootwright-base-sources ]; then
  rm -rf /bootwright-base-sources
  if [ ! -s /var/lib/dpkg/status ] && [ ! -d /var/lib/dpkg/status.d ]; then
    rm -rf /etc/apt /etc/dpkg /var/lib/dpkg /var/lib/apt /var/cache/apt /var/log/apt
  fi
fi
printf '%s\n' 'deb http://mirror.example/debian bookworm main' >> /etc/apt/sources.list
if [ ! -L /etc/resolv.conf ]; then rm -f /etc/resolv.conf; fi
rm -f /etc/.resolv.conf.systemd-resolved.bak /etc/resolv.conf.dpkg-*
if [ -e /etc/dpkg/dpkg.cfg.d/99mmdebstrap ]; then
  mv /etc/dpkg/dpkg.cfg.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/50bootwright-paths
fi
# traces of the making
rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid- /etc/.pwd.lock
rm -f /var/lib/dpkg/*-old /var/lib/dpkg/lock* /var/cache/debconf/*-old /var/lib/ucf/*.[0-9]
rm -f /root/.wget-hsts
rm -rf /bootwright-build
