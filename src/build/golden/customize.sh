export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
sha256sum /var/lib/apt/lists/*InRelease 2>/dev/null | while read -r digest path; do
  echo "bootwright-release: $digest $path"
done
export SECRETS=/bootwright-build/secrets
rm -f /etc/hostname
printf '%s\n' 'web' > /etc/hostname
printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost ip6-localhost ip6-loopback\n' 'web' > /etc/hosts
echo 'bootwright-step: create the user root'
grep '^root:' /bootwright-build/passwords | chpasswd --encrypted
install -d -m 0700 /root/.ssh
printf '%s\n' 'ssh-ed25519 AAAA root@here' > /root/.ssh/authorized_keys
chmod 0600 /root/.ssh/authorized_keys
chown -R root:root /root/.ssh
echo 'bootwright-step: create the user ann'
useradd --create-home --shell '/bin/bash' --groups 'sudo,adm' 'ann'
grep '^ann:' /bootwright-build/passwords | chpasswd --encrypted
install -d -m 0700 /home/ann/.ssh
printf '%s\n' 'ssh-ed25519 BBBB ann'\''s key' > /home/ann/.ssh/authorized_keys
chmod 0600 /home/ann/.ssh/authorized_keys
chown -R ann: /home/ann/.ssh
echo 'bootwright-step: create the user bob'
useradd --create-home --shell '/bin/sh' --gid 'users' 'bob'
echo 'bootwright-step: write files'
mkdir -p "$(dirname '/etc/motd')"; rm -f '/etc/motd'; cp /bootwright-build/files/0 '/etc/motd'
chown 'root':'root' '/etc/motd'; chmod 0644 '/etc/motd'
mkdir -p "$(dirname '/srv/it'\''s/tool')"; rm -f '/srv/it'\''s/tool'; cp /bootwright-build/files/1 '/srv/it'\''s/tool'
chown 'ann':'users' '/srv/it'\''s/tool'; chmod 0755 '/srv/it'\''s/tool'
mkdir -p "$(dirname '/etc/localtime')"
ln -sfn '/usr/share/zoneinfo/UTC' '/etc/localtime'
echo 'bootwright-step: run command 1 of 2: echo '\''it is'\'' "$HOME"'
sh -eu -c 'echo '\''it is'\'' "$HOME"' </dev/null
echo 'bootwright-step: run command 2 of 2: systemctl enable ssh'
sh -eu -c 'systemctl enable ssh
systemctl enable systemd-networkd' </dev/null
