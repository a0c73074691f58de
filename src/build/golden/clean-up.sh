echo 'bootwright-step: clean up'
# one installation, not the image: each machine makes its own
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
if [ -e /etc/machine-id ]; then : > /etc/machine-id; fi
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
rm -f /var/lib/urandom/random-seed /etc/hostid /etc/udev/rules.d/70-persistent-net.rules
rm -f /etc/lvm/devices/system.devices /var/lib/dhcp/*.leases /var/lib/NetworkManager/secret_key
# the machine that built it: its mirror and its resolver (a package may have kept a copy of that)
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/0000*.list /etc/apt/apt.conf.d/99mmdebstrap
printf '%s\n' 'deb http://mirror.example/debian bookworm main' >> /etc/apt/sources.list
if [ ! -L /etc/resolv.conf ]; then rm -f /etc/resolv.conf; fi
rm -f /etc/.resolv.conf.systemd-resolved.bak /etc/resolv.conf.dpkg-*
if [ -e /etc/dpkg/dpkg.cfg.d/99mmdebstrap ]; then
  mv /etc/dpkg/dpkg.cfg.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/50bootwright-paths
fi
# traces of the making
find /var/log -type f -delete
rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid- /etc/.pwd.lock
rm -f /var/lib/dpkg/*-old /var/lib/dpkg/lock* /var/cache/debconf/*-old /var/lib/ucf/*.[0-9]
rm -f /root/.bash_history /root/.wget-hsts /home/*/.bash_history
find /var/tmp -mindepth 1 -delete
rm -rf /bootwright-build
